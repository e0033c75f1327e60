/**
 * Quantiles of a sample, and their intervals from order statistics alone: no assumption about the
 * distribution, only that the samples are independent (David and Nagaraja 2003, section 7.1).
 */
import { requireNumbers } from './check-samples.ts'
import { binomialCdf, defaultConfidence } from './distributions.ts'
import type { Interval } from './interval.ts'

/** The p-quantile of ascending values, interpolated as R's type 7 and numpy do. */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  const position = p * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below]!
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!
  return low + (high - low) * (position - below)
}

/** The p-quantile of values in any order. */
export function quantile(values: ArrayLike<number>, p: number): number {
  requireNumbers('quantile', values)
  return quantileOfSorted(Float64Array.from(values).sort(), p)
}

/** The median of values in any order. */
export const median = (values: ArrayLike<number>): number => quantile(values, 0.5)

/**
 * Interval of the p-quantile of the distribution that the values were drawn from. Its ends are two
 * of the values; an end is infinite where too few values lie beyond it (p95 needs 73 for an upper
 * end). Its coverage is at least `confidence`.
 */
export function quantileInterval(
  values: ArrayLike<number>,
  p: number,
  confidence: number = defaultConfidence,
): Interval {
  requireNumbers('quantile', values)
  const sorted = Float64Array.from(values).sort()
  const n = sorted.length
  const outside = (1 - confidence) / 2
  // the number of values below the true quantile is binomial(n, p)
  const above = firstRank(n, (rank) => binomialCdf(rank - 1, n, p) > outside)
  const high = firstRank(n, (rank) => binomialCdf(rank - 1, n, p) >= 1 - outside)
  return {
    low: above > 1 ? sorted[above - 2]! : Number.NEGATIVE_INFINITY,
    high: high <= n ? sorted[high - 1]! : Number.POSITIVE_INFINITY,
  }
}

/** The first rank in 1..n that holds (ranks hold from some point on); n + 1 when none does. */
function firstRank(n: number, holds: (rank: number) => boolean): number {
  let low = 1
  let high = n + 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
