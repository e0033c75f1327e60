/** A report's files, all from the same data, each whole or not at all. */
import { join, resolve } from 'node:path'
import { reportHtml } from '../report/html.ts'
import { reportMarkdown } from '../report/markdown.ts'
import type { Report } from '../report/report.ts'
import { writePage } from './page-file.ts'

/** How a report is written, by the ending of its file. */
const formats = {
  html: { ending: '.html', write: reportHtml },
  markdown: { ending: '.md', write: async (report: Report) => reportMarkdown(report) },
  json: {
    ending: '.json',
    write: async (report: Report) => `${JSON.stringify(report, null, 2)}\n`,
  },
} as const

export type ReportFormat = keyof typeof formats
export const reportFormats = Object.keys(formats) as readonly ReportFormat[]

/** The format that a file's name asks for. */
export const formatOf = (file: string): ReportFormat | undefined =>
  reportFormats.find((format) => file.toLowerCase().endsWith(formats[format].ending))

/** Writes `report.html`, `report.md`, … to a folder; gives their names. */
export async function writeReportFiles(
  report: Report,
  folder: string,
  wanted: readonly ReportFormat[],
): Promise<string[]> {
  const names = wanted.map((format) => `report${formats[format].ending}`)
  for (const [i, format] of wanted.entries()) {
    await writeReportFile(report, join(folder, names[i]!), format)
  }
  return names
}

/** Writes a report to one file. */
export async function writeReportFile(
  report: Report,
  file: string,
  format: ReportFormat,
): Promise<void> {
  writePage(await formats[format].write(report), resolve(file))
}
