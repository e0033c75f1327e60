/**
 * Percentile bootstrap of any statistic of paired examples (Efron and Tibshirani 1993, chapter 13).
 *
 * One idea: a resample is a count per example, not a list of examples. Means, correlations,
 * confusion tables and medians all take counts as weights, and what needs sorting sorts once.
 */
import { multinomial } from './binomial.ts'
import { defaultConfidence } from './distributions.ts'
import type { Interval } from './interval.ts'
import { quantileOfSorted } from './quantile.ts'
import { type Random, randomFrom } from './random.ts'

/** A statistic of examples, each counted `counts[i]` times; NaN where it is undefined. */
export type Statistic = (counts: Float64Array) => number

/** How a bootstrap is run. */
export interface BootstrapOptions {
  /** Resamples; 2000 by default. */
  readonly resamples?: number | undefined
  /** Same seed, same interval; 0 by default. */
  readonly seed?: number | undefined
  /** Central probability; 0.95 by default. */
  readonly confidence?: number | undefined
}

/** The counts of the sample itself: every example once. */
export const everyExampleOnce = (n: number): Float64Array => new Float64Array(n).fill(1)

/**
 * Values of a statistic over resamples of `n` examples, ascending; resamples where it is undefined
 * (a constant resample has no correlation) are left out.
 */
export function bootstrapReplicates(
  n: number,
  statistic: Statistic,
  options: BootstrapOptions = {},
): Float64Array {
  const counts = new Float64Array(n)
  return replicatesOf(statistic, counts, options, (random) => {
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[random.below(n)]! += 1
  })
}

/** Fills `counts` with one resample after the other. */
function replicatesOf(
  statistic: Statistic,
  counts: Float64Array,
  { resamples = 2000, seed = 0 }: BootstrapOptions,
  resample: (random: Random) => void,
): Float64Array {
  const random = randomFrom(seed)
  const values: number[] = []
  for (let r = 0; r < resamples; r++) {
    resample(random)
    const value = statistic(counts)
    if (Number.isFinite(value)) values.push(value)
  }
  return Float64Array.from(values).sort()
}

/**
 * Percentile interval of a statistic of `n` examples; infinite when it is undefined on all
 * resamples.
 */
export function bootstrapInterval(
  n: number,
  statistic: Statistic,
  options: BootstrapOptions = {},
): Interval {
  return percentiles(bootstrapReplicates(n, statistic, options), options)
}

/**
 * The same of a statistic to which examples of one kind are alike, as those in one cell of a confusion
 * table are: a resample of the examples is a multinomial draw of the kinds, however many examples there are.
 * @param sizes examples of each kind. @param statistic of the counts of the kinds.
 */
export function bootstrapKindsInterval(
  sizes: Float64Array,
  statistic: Statistic,
  options: BootstrapOptions = {},
): Interval {
  const counts = new Float64Array(sizes.length)
  const n = sizes.reduce((sum, size) => sum + size, 0)
  const replicates = replicatesOf(statistic, counts, options, (random) =>
    multinomial(random, n, sizes, counts),
  )
  return percentiles(replicates, options)
}

function percentiles(replicates: Float64Array, options: BootstrapOptions): Interval {
  if (replicates.length === 0) {
    return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  }
  const outside = (1 - (options.confidence ?? defaultConfidence)) / 2
  return {
    low: quantileOfSorted(replicates, outside),
    high: quantileOfSorted(replicates, 1 - outside),
  }
}
