/**
 * The sections that `limbeck report` adds, in the order of the page: each a title, sentences, a table and
 * mostly a picture of the same figures. The page, the Markdown and the terminal are written from this list.
 */
import { costSection } from './cost-section.ts'
import type { HeatMap } from './heat-map.ts'
import { layersSection, operatorsSection } from './inside-sections.ts'
import type { Report } from './report.ts'
import { resultsCaptions, resultsTable } from './results.ts'
import { sensitivityOfReport } from './sensitivity-section.ts'
import type { Tint } from './shapes.ts'
import type { Drawing } from './svg-chart.ts'
import { lengthsSection, threadsSection } from './sweep-sections.ts'
import type { Table } from './table.ts'
import { trainingSections } from './training-sections.ts'

export interface DetailSection {
  readonly title: string
  readonly captions: readonly string[]
  readonly table: Table
  /** Shown above the table, on the page alone. */
  readonly heat?: readonly HeatMap[] | undefined
  readonly drawing?: Drawing | undefined
  /** Whose colours the picture has. */
  readonly key?: readonly { readonly name: string; readonly tint: Tint }[] | undefined
}

const makers: readonly ((report: Report) => DetailSection | undefined)[] = [
  threadsSection,
  lengthsSection,
  operatorsSection,
  layersSection,
  sensitivityOfReport,
  costSection,
]

/** The sections whose figures are there. */
export const detailSections = (report: Report): DetailSection[] => [
  ...resultsSections(report),
  ...trainingSections(report),
  ...(report.details ? makers.flatMap((make) => make(report) ?? []) : []),
]

function resultsSections(report: Report): DetailSection[] {
  const table = resultsTable(report)
  if (!table) return []
  const title = report.results!.role === 'teacher' ? 'Teacher and student' : 'Source and result'
  return [{ title, captions: resultsCaptions(report), table }]
}
