/** The rows of a benchmark as one variant's latencies in a report. */

import type { BenchRow } from '../bench/bench-models.ts'
import { formatShape } from '../bench/bench-shape.ts'
import type { LatencyReport } from './report.ts'

/** Latencies of the model called `name`, in the order of the rows; ratios are against the rows' rival. */
export function latencyOf(rows: readonly BenchRow[], name: string): LatencyReport[] {
  return rows.flatMap(({ shape, threads, oversubscribed, entries }) =>
    entries
      .filter((entry) => entry.name === name)
      .map(({ p50, p95, p50Interval, p95Interval, vsRival, tokensPerSecond }) => ({
        shape: formatShape(shape),
        threads,
        p50,
        p95,
        p50Interval,
        p95Interval,
        ...(vsRival && { vsSource: vsRival }),
        tokensPerSecond,
        oversubscribed,
      })),
  )
}
