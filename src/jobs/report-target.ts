/** Where a report goes; what is wrong with it is told before anything is measured. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { Report } from '../report/report.ts'
import {
  formatOf,
  type ReportFormat,
  reportFormats,
  writeReportFile,
  writeReportFiles,
} from './write-report.ts'

/** Writes a report and gives the absolute paths of its files. */
export type ReportTarget = (report: Report) => Promise<string[]>

/**
 * The target of a report: one file, or one of each format in the folder.
 * @throws LimbeckError `usage` for a file that cannot be written or names no format.
 */
export function reportTarget(
  folder: string,
  { output, format }: { readonly output?: string | undefined; format?: ReportFormat | undefined },
): ReportTarget {
  if (output === undefined) {
    const wanted = format ? [format] : reportFormats
    return async (report) =>
      (await writeReportFiles(report, resolve(folder), wanted)).map((name) => resolve(folder, name))
  }
  const file = resolve(output)
  const chosen = format ?? formatOf(output)
  if (!chosen) {
    throw new LimbeckError('usage', `--output ${output}: its ending names no format.`, {
      hint: 'End it with .html, .md or .json, or give --format.',
    })
  }
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw new LimbeckError('usage', `--output ${output}: expected a file, found a folder.`, {
      hint: `Give a file, such as ${join(output, 'report.html')}.`,
    })
  }
  if (!existsSync(dirname(file))) {
    throw new LimbeckError('usage', `--output ${output}: there is no folder ${dirname(output)}.`)
  }
  return async (report) => {
    await writeReportFile(report, file, chosen)
    return [file]
  }
}
