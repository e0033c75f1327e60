/** Rows of a benchmark as latencies of a report. */
import { type BenchRow, formatShape } from '../bench/index.ts'
import type { LatencyReport, LatencySweep } from '../report/latency-report.ts'
import { sourcePlan } from './variants.ts'

/** What one variant came to in a row. */
export function latencyReport(row: BenchRow, name: string): LatencyReport {
  const entry = row.entries.find((candidate) => candidate.name === name)!
  const { p50, p95, p50Interval, p95Interval, vsRival, tokensPerSecond } = entry
  return {
    shape: formatShape(row.shape),
    threads: row.threads,
    p50,
    p95,
    p50Interval,
    p95Interval,
    // a ratio to anything else is none of a report's
    vsSource: row.vs === sourcePlan.name ? vsRival : undefined,
    tokensPerSecond,
    oversubscribed: row.oversubscribed,
  }
}

/** All rows by variant. */
export const latencySweep = (rows: readonly BenchRow[]): LatencySweep => ({
  variants: rows[0]!.entries.map(({ name }) => ({
    name,
    latency: rows.map((row) => latencyReport(row, name)),
  })),
})
