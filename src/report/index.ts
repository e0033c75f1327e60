/** Reports: as data, and as text, Markdown and HTML drawn from that data. */
export type { Progress, Step } from './progress.ts'
export type {
  LatencyReport,
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
