/** The report's files in an output folder: `report.html` and `report.md`, from the same data. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportHtml } from '../report/html.ts'
import { reportMarkdown } from '../report/markdown.ts'
import type { Report } from '../report/report.ts'

/** Writes both; gives their names. */
export async function writeReportFiles(report: Report, folder: string): Promise<string[]> {
  writeFileSync(join(folder, 'report.html'), await reportHtml(report))
  writeFileSync(join(folder, 'report.md'), reportMarkdown(report))
  return ['report.html', 'report.md']
}
