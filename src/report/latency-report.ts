/** Latencies as reports hold them: of one variant at one shape and thread count, and of several side by side. */
import type { Interval } from '../stats/interval.ts'
import type { TimingRatio } from '../stats/timing.ts'

/** Latency at one shape and thread count, milliseconds. */
export interface LatencyReport {
  readonly shape: string
  readonly threads: number
  readonly p50: number
  readonly p95: number
  readonly p50Interval: Interval
  readonly p95Interval: Interval
  /** How many times faster than the source, paired by round; absent for the source. */
  readonly vsSource?: TimingRatio | undefined
  readonly tokensPerSecond: number
  /** More threads than the cores allotted: not a figure to quote. */
  readonly oversubscribed: boolean
}

/** Variants measured in turns while one thing changes: the threads, or the length of texts. */
export interface LatencySweep {
  /** All have the same rows in the same order. */
  readonly variants: readonly {
    readonly name: string
    readonly latency: readonly LatencyReport[]
  }[]
}
