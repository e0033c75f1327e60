/**
 * Intervals of proportions and means. Every interval here is two-sided, at 95 % unless said.
 */
import { requireNumbers } from './check-samples.ts'
import { defaultConfidence, studentQuantile, twoSidedZ } from './distributions.ts'

/** A two-sided confidence interval; an end that the data cannot bound is infinite. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * Score interval of a proportion: right near 0 and 1 and for few trials.
 * Wilson 1927, JASA 22:209; recommended by Brown, Cai and DasGupta 2001.
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  confidence: number = defaultConfidence,
): Interval {
  if (trials === 0) return { low: 0, high: 1 }
  const z2 = twoSidedZ(confidence) ** 2
  const p = successes / trials
  const centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
  const half =
    Math.sqrt(z2 * ((p * (1 - p)) / trials + z2 / (4 * trials * trials))) / (1 + z2 / trials)
  // the exact ends, where rounding would leave 1e-17
  return {
    low: successes === 0 ? 0 : centre - half,
    high: successes === trials ? 1 : centre + half,
  }
}

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** Sample standard deviation (divisor n - 1); 0 for a single value. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0
  const centre = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2
  return Math.sqrt(sum / (values.length - 1))
}

/** Student's t interval of a mean; unbounded for a single value. */
export function meanInterval(
  values: ArrayLike<number>,
  confidence: number = defaultConfidence,
): Interval {
  requireNumbers('mean', values)
  const centre = mean(values)
  if (values.length < 2) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const t = studentQuantile((1 + confidence) / 2, values.length - 1)
  const half = (t * standardDeviation(values)) / Math.sqrt(values.length)
  return { low: centre - half, high: centre + half }
}
