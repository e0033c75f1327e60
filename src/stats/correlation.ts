/**
 * Pearson and Spearman correlation, and their intervals by Fisher's z.
 *
 * Both come as statistics of counted examples too, so that a bootstrap sorts the values once only.
 */
import { everyExampleOnce, type Statistic } from './bootstrap.ts'
import { requirePaired } from './check-samples.ts'
import { defaultConfidence, twoSidedZ } from './distributions.ts'
import type { Interval } from './interval.ts'

/** Ranks from 1; equal values share the mean of their ranks. */
export const ranks = (values: ArrayLike<number>): Float64Array =>
  rankedBy(values)(everyExampleOnce(values.length))

/** Pearson correlation of two paired series; NaN when one is constant. */
export const pearson = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  pearsonStatistic(x, y)(everyExampleOnce(x.length))

/** Spearman correlation of two paired series, ties averaged; NaN when one is constant. */
export const spearman = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  spearmanStatistic(x, y)(everyExampleOnce(x.length))

/** Pearson correlation as a statistic of counted examples. */
export function pearsonStatistic(x: ArrayLike<number>, y: ArrayLike<number>): Statistic {
  requirePaired('correlation', x, y)
  return (counts) => weightedPearson(x, y, counts)
}

/** Spearman correlation as a statistic of counted examples. */
export function spearmanStatistic(x: ArrayLike<number>, y: ArrayLike<number>): Statistic {
  requirePaired('correlation', x, y)
  const [rankX, rankY] = [rankedBy(x), rankedBy(y)]
  return (counts) => weightedPearson(rankX(counts), rankY(counts), counts)
}

/** Interval of a Pearson correlation of n pairs: Fisher 1921, se(z) = 1 / sqrt(n - 3). */
export const pearsonInterval = (r: number, n: number, confidence?: number): Interval =>
  fisherInterval(r, n, 1, confidence)

/**
 * Interval of a Spearman correlation of n pairs: se(z) = sqrt((1 + r²/2) / (n - 3)).
 * Bonett and Wright 2000, Psychometrika 65:23.
 */
export const spearmanInterval = (r: number, n: number, confidence?: number): Interval =>
  fisherInterval(r, n, 1 + (r * r) / 2, confidence)

function fisherInterval(
  r: number,
  n: number,
  spread: number,
  confidence: number = defaultConfidence,
): Interval {
  if (n < 4 || Number.isNaN(r)) return { low: -1, high: 1 }
  const half = twoSidedZ(confidence) * Math.sqrt(spread / (n - 3))
  return { low: Math.tanh(Math.atanh(r) - half), high: Math.tanh(Math.atanh(r) + half) }
}

function weightedPearson(x: ArrayLike<number>, y: ArrayLike<number>, counts: Float64Array): number {
  let [total, sumX, sumY] = [0, 0, 0]
  for (let i = 0; i < counts.length; i++) {
    total += counts[i]!
    sumX += counts[i]! * x[i]!
    sumY += counts[i]! * y[i]!
  }
  const [meanX, meanY] = [sumX / total, sumY / total]
  let [xx, yy, xy] = [0, 0, 0]
  for (let i = 0; i < counts.length; i++) {
    const [dx, dy] = [x[i]! - meanX, y[i]! - meanY]
    xx += counts[i]! * dx * dx
    yy += counts[i]! * dy * dy
    xy += counts[i]! * dx * dy
  }
  // rounding of the means leaves about this much of a constant series
  const noise = 1e-28 * total
  if (xx <= noise * meanX * meanX || yy <= noise * meanY * meanY) return Number.NaN
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)))
}

/** Sorts once; gives the ranks of any resample in linear time. */
function rankedBy(values: ArrayLike<number>): (counts: Float64Array) => Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i)
  order.sort((a, b) => values[a]! - values[b]!)
  const ranks = new Float64Array(values.length)
  return (counts) => {
    let below = 0
    for (let start = 0; start < order.length; ) {
      let end = start
      let tied = 0
      const value = values[order[start]!]
      for (; end < order.length && values[order[end]!] === value; end++)
        tied += counts[order[end]!]!
      for (let i = start; i < end; i++) ranks[order[i]!] = below + (tied + 1) / 2
      below += tied
      start = end
    }
    return ranks
  }
}
