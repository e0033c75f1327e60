/**
 * What `limbeck report` adds to the report of `optimize`, as plain data. It takes a minute or more, so
 * `optimize` leaves it out; a part that could not be measured is absent, and a note says why.
 */
import type { Interval } from '../stats/interval.ts'
import type { LatencySweep } from './latency-report.ts'
import type { SensitivityReport } from './sensitivity.ts'

export interface ReportDetails {
  /** ISO 8601. */
  readonly measuredAt: string
  /** The command that measures this again. */
  readonly command?: string | undefined
  readonly seconds: number
  /** Every variant at the headline shape, by thread count. */
  readonly threads?: LatencySweep | undefined
  /** Source and chosen variant with one text of growing length. */
  readonly lengths?: LatencySweep | undefined
  readonly operators?: OperatorTimes | undefined
  readonly layers?: LayerBytes | undefined
  /** Of the source, quantized layer by layer. */
  readonly sensitivity?: SensitivityReport | undefined
  readonly running?: RunningCost | undefined
}

/** Where the time of a run goes, as ONNX Runtime's profiler has it. */
export interface OperatorTimes {
  readonly shape: string
  readonly threads: number
  /** Before and after: the source where it is there, then the chosen variant. */
  readonly variants: readonly {
    readonly name: string
    /** Median of a whole profiled run, milliseconds. */
    readonly runMs: number
    /** By the kernel that ran, the longest first. */
    readonly operators: readonly OperatorTime[]
  }[]
}

export interface OperatorTime {
  readonly name: string
  /** Nodes that ran it. */
  readonly nodes: number
  /** Of all of them in one run. */
  readonly ms: number
}

/** Bytes of the weights in each file, by the layer that reads them first. */
export interface LayerBytes {
  readonly variants: readonly {
    readonly name: string
    readonly layers: readonly { readonly name: string; readonly bytes: number }[]
    /** Of the file, beside its weights: the graph itself. */
    readonly graphBytes: number
  }[]
}

/** What a million requests take of one process that answers one after the other. */
export interface RunningCost {
  /** A request is a text of this shape; of a batch each text counts. */
  readonly shape: string
  readonly threads: number
  /** Of an hour of the machine, in `currency`. */
  readonly pricePerHour?: number | undefined
  readonly currency?: string | undefined
  readonly watts?: number | undefined
  readonly variants: readonly RunningCostOf[]
}

export interface RunningCostOf {
  readonly name: string
  readonly requestsPerSecond: Estimate
  /** All that follows is for a million requests. */
  readonly hours: Estimate
  readonly kilowattHours?: Estimate | undefined
  readonly price?: Estimate | undefined
}

/** A value with its 95 % interval. */
export interface Estimate {
  readonly value: number
  readonly interval: Interval
}
