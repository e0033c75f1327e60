/**
 * Summaries of repeated timings, and the ratio of two series that were measured in turn.
 *
 * Medians, since timings have a long upper tail. The intervals assume that repetitions are
 * independent; a machine that changes its clock under the run breaks that, which is why rivals are
 * interleaved.
 */
import { type BootstrapOptions, bootstrapInterval, type Statistic } from './bootstrap.ts'
import { requireNumbers, requirePaired } from './check-samples.ts'
import { type Interval, mean } from './interval.ts'
import { median, quantileInterval, quantileOfSorted } from './quantile.ts'

/** A series of timings, in the unit that was given. */
export interface TimingSummary {
  readonly n: number
  readonly min: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  /**
   * Order-statistic intervals, 95 %; an upper end is infinite where the series is too short for it.
   */
  readonly p50Interval: Interval
  readonly p95Interval: Interval
}

/**
 * Summary of a series of durations.
 * @throws LimbeckError when it is empty or holds something that is no finite number.
 */
export function summarizeTimings(samples: ArrayLike<number>): TimingSummary {
  requireNumbers('timings', samples)
  const sorted = Float64Array.from(samples).sort()
  return {
    n: sorted.length,
    min: sorted[0]!,
    mean: mean(sorted),
    p50: quantileOfSorted(sorted, 0.5),
    p95: quantileOfSorted(sorted, 0.95),
    p50Interval: bounded(quantileInterval(sorted, 0.5)),
    p95Interval: bounded(quantileInterval(sorted, 0.95)),
  }
}

/** No duration is below 0. */
const bounded = ({ low, high }: Interval): Interval => ({ low: Math.max(0, low), high })

/** How much faster one series is than another. */
export interface TimingRatio {
  /** median(base) / median(rival): above 1 the rival is faster. */
  readonly speedup: number
  readonly interval: Interval
}

/**
 * The speedup of `rival` over `base`, measured in turn so that element i of both ran side by side;
 * interval by a paired bootstrap of the medians, which keeps what both series have in common.
 */
export function speedup(
  base: ArrayLike<number>,
  rival: ArrayLike<number>,
  options: BootstrapOptions = {},
): TimingRatio {
  requirePaired('interleaved timings', base, rival)
  const [medianBase, medianRival] = [medianStatistic(base), medianStatistic(rival)]
  const ratio: Statistic = (counts) => medianBase(counts) / medianRival(counts)
  return {
    speedup: median(base) / median(rival),
    interval: bootstrapInterval(base.length, ratio, options),
  }
}

/** The median as a statistic of counted examples: sorts once. */
export function medianStatistic(values: ArrayLike<number>): Statistic {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i)
  order.sort((a, b) => values[a]! - values[b]!)
  const total = values.length
  const [lower, upper] = [Math.floor((total - 1) / 2), Math.floor(total / 2)]
  return (counts) => {
    let seen = 0
    let low: number | undefined
    for (const index of order) {
      seen += counts[index]!
      if (low === undefined && seen > lower) low = values[index]!
      if (seen > upper) return (low! + values[index]!) / 2
    }
    return Number.NaN
  }
}
