/** Reports: as data, and as text, Markdown and HTML drawn from that data. */

export { reportHtml } from './html.ts'
export type { LatencyReport, LatencySweep } from './latency-report.ts'
export { reportMarkdown } from './markdown.ts'
export { chosenOf, gainSentence, headlineLatency, sourceOf, verdictSentence } from './outcome.ts'
export type { Progress, Step } from './progress.ts'
export type {
  MetricReport,
  Report,
  ReportData,
  ReportFile,
  ReportMachine,
  ReportModel,
  ReportSettings,
  VariantReport,
  VerificationReport,
} from './report.ts'
export type {
  Estimate,
  LayerBytes,
  OperatorTime,
  OperatorTimes,
  ReportDetails,
  RunningCost,
  RunningCostOf,
} from './report-details.ts'
export {
  type ResultRow,
  type ResultsReport,
  resultsCaptions,
  resultsTable,
} from './results.ts'
export { summaryCaption, summaryTable } from './summary-table.ts'
export {
  type Cell,
  type Column,
  markdownTable,
  type RichCell,
  type Table,
  type TextTable,
  type TextTableOptions,
  textTable,
} from './table.ts'
