/**
 * The report of an optimization, as plain data: every table, sentence and picture is drawn from it.
 *
 * Units are in the names or the comments: bytes, milliseconds, seconds, shares between 0 and 1. An
 * interval's end that the data cannot bound is infinite here and `null` in JSON.
 */
import type { Fidelity } from '../data/fidelity.ts'
import type { MetricName } from '../data/metrics.ts'
import type { PassRecord } from '../passes/pass.ts'
import type { Acceptance, Better } from '../stats/acceptance.ts'
import type { Interval } from '../stats/interval.ts'
import type { KernelReport } from './kernel-report.ts'
import type { LatencyReport } from './latency-report.ts'
import type { ReportDetails } from './report-details.ts'
import type { ResultsReport } from './results.ts'
import type { SimulatedLayers } from './simulation.ts'
import type { TrainingReport } from './training-report.ts'

export interface Report {
  readonly version: 1
  readonly title: string
  /** ISO 8601. */
  readonly createdAt: string
  /** The command that makes this report again. */
  readonly command?: string | undefined
  readonly model: ReportModel
  readonly data: ReportData
  readonly machine: ReportMachine
  readonly settings: ReportSettings
  /** The row of latencies that the table, the chart and the choice refer to. */
  readonly headline: { readonly shape: string; readonly threads: number }
  /** The source comes first. */
  readonly variants: readonly VariantReport[]
  /** Name of the chosen variant. */
  readonly chosen: string
  /** Why, as one sentence. */
  readonly chosenWhy: string
  /** What a reader must know, a sentence each. */
  readonly notes: readonly string[]
  readonly files: readonly ReportFile[]
  readonly stages: readonly { readonly name: string; readonly seconds: number }[]
  /** Beside what it was made from, where Limbeck made it. */
  readonly results?: ResultsReport | undefined
  /** How the model was trained, where Limbeck did. */
  readonly training?: TrainingReport | undefined
  /** What `limbeck report` adds. */
  readonly details?: ReportDetails | undefined
}

export interface ReportModel {
  /** As the user gave it. */
  readonly folder: string
  readonly name: string
  /** `model_type`, such as `bert`. */
  readonly family: string
  readonly task: string
  readonly parameters: number
  readonly layers: number
  readonly hidden: number
  readonly labels: readonly string[]
}

export interface ReportData {
  /** Absent when random tokens stood in for text. */
  readonly file?: string | undefined
  /** The columns that were read. */
  readonly columns?: string | undefined
  /** What the labels of the data were taken for. */
  readonly labels?: string | undefined
  /** Labelled data measures a metric, text alone or random tokens the fidelity to the source. */
  readonly source: 'labelled' | 'text' | 'random'
  /** Examples used. */
  readonly rows: number
  readonly metric?: MetricName | undefined
  /** Texts cut to the model's length. */
  readonly truncated: number
  /** Tokens a text is cut to. */
  readonly maxLength?: number | undefined
}

export interface ReportMachine {
  readonly cpu: string
  readonly cores: number
  readonly allottedCores: number
  /** Instruction sets in Linux's spelling. */
  readonly isa: readonly string[]
  readonly int8Kernel: string
  readonly node: string
  readonly onnxruntime: string
  readonly limbeck: string
}

export interface ReportSettings {
  /** As the user gave it: `1%` or `0.5pt`. */
  readonly maxDrop: string
  /** Only proven variants may be chosen. */
  readonly strict: boolean
  readonly threads: readonly number[]
  /** Such as `1x128`: texts x tokens. */
  readonly shapes: readonly string[]
  /** Texts that run together when the metric is taken; dynamic INT8 depends on it. */
  readonly batchSize: number
  /** Sizes of a file's dimensions that were given by name. */
  readonly dims?: Readonly<Record<string, number>> | undefined
  readonly seed: number
}

/** One model file and all that was measured of it; what was not measured is absent. */
export interface VariantReport {
  /** Such as `fp32 as exported`, `fp32 optimized`, `INT8`. */
  readonly name: string
  /** Relative to the output folder; absent when it was not kept. */
  readonly file?: string | undefined
  /** What it is lowered for. */
  readonly target: string
  /** Such as `fp32`, `int8`. */
  readonly precision: string
  /** Model and external data together. */
  readonly bytes: number
  readonly nodes?: number | undefined
  /** Most memory its process ever held in the headline row. */
  readonly peakMemoryBytes?: number | undefined
  readonly latency: readonly LatencyReport[]
  readonly quality?: MetricReport | undefined
  /** Further metrics of the task. */
  readonly otherMetrics?: readonly MetricReport[] | undefined
  /** Nearness of its outputs to the source's. */
  readonly fidelity?: Fidelity | undefined
  readonly verification?: VerificationReport | undefined
  /** Of quantized files: what ONNX Runtime made of them. */
  readonly kernels?: KernelReport | undefined
  /** Absent for the source and where nothing was labelled. */
  readonly acceptance?: Acceptance | undefined
  /** The same on another CPU, where that was asked for. */
  readonly simulated?: SimulatedReport | undefined
  readonly passes: readonly PassRecord[]
}

/** What a quantized variant gives on a CPU whose integer products saturate; absent figures are those of this one. */
export interface SimulatedReport
  extends SimulatedLayers,
    Pick<VariantReport, 'quality' | 'fidelity' | 'acceptance'> {}

/** A metric's value, without the per-example scores it came from. */
export interface MetricReport {
  readonly name: MetricName
  readonly value: number
  readonly interval: Interval
  readonly n: number
  readonly better: Better
}

/** Whether a written file, loaded and run, gives what its source gives. */
export interface VerificationReport {
  readonly ok: boolean
  /** Largest allowed difference of any output; absent where another measure decides. */
  readonly tolerance?: number | undefined
  readonly maxAbsError: number
  readonly note?: string | undefined
}

export interface ReportFile {
  /** What it is for, such as `chosen model`. */
  readonly role: string
  /** Relative to the output folder. */
  readonly path: string
  readonly bytes?: number | undefined
}
