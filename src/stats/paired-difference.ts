/**
 * Intervals of the mean difference of two scores of the same examples.
 *
 * Right-or-wrong scores leave only discordant pairs to count: there the score interval of Tango
 * holds, which stays right with few or no discordant pairs, where a Wald interval shrinks to
 * nothing.
 */
import { requirePaired } from './check-samples.ts'
import { defaultConfidence, twoSidedZ } from './distributions.ts'
import { type Interval, mean, meanInterval, standardDeviation } from './interval.ts'

/**
 * Score interval of p(first right) - p(second right) on the same examples: Tango 1998, Statistics
 * in Medicine 17:891.
 * @param firstOnly examples that only the first gets right; may be fractional in an extrapolation.
 * @param secondOnly examples that only the second gets right. @param n all examples.
 */
export function tangoInterval(
  firstOnly: number,
  secondOnly: number,
  n: number,
  confidence: number = defaultConfidence,
): Interval {
  const z = twoSidedZ(confidence)
  const observed = (firstOnly - secondOnly) / n
  // the score statistic falls from +∞ to -∞ over [-1, 1] and is 0 at the observed difference
  const score = (difference: number): number => {
    const b = (2 * n - firstOnly + secondOnly) * difference - firstOnly - secondOnly
    const c = -secondOnly * difference * (1 - difference)
    // maximum likelihood of p(second only) when the difference is given
    const q = (Math.sqrt(Math.max(0, b * b - 8 * n * c)) - b) / (4 * n)
    const variance = n * (2 * q + difference * (1 - difference))
    const distance = firstOnly - secondOnly - n * difference
    return variance > 0 ? distance / Math.sqrt(variance) : distance * Number.POSITIVE_INFINITY
  }
  return {
    low: observed <= -1 ? -1 : root((d) => score(d) > z, -1, observed),
    high: observed >= 1 ? 1 : root((d) => score(d) > -z, observed, 1),
  }
}

/** The point in [low, high] where `holds` changes from true to false, by bisection. */
function root(holds: (x: number) => boolean, low: number, high: number): number {
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2
    if (holds(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** What is known of mean(a) - mean(b), and how its upper end shrinks with more examples. */
export interface PairedDifference {
  readonly difference: number
  readonly interval: Interval
  /** Upper end with `n` examples whose scores are spread like those seen. */
  upperAt(n: number): number
}

/**
 * The mean paired difference a - b with its interval: Tango's for scores of 0 and 1, Student's t
 * for others. Where all differences are equal Student's t knows no spread; then the upper end
 * allows for the share of other examples that Tango's interval of no discordant pair does, z²/(n +
 * z²), of the range.
 */
export function pairedDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  confidence: number = defaultConfidence,
): PairedDifference {
  requirePaired('paired scores', a, b)
  const n = a.length
  return isBinary(a) && isBinary(b)
    ? binaryDifference(a, b, n, confidence)
    : realDifference(a, b, n, confidence)
}

function binaryDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  n: number,
  confidence: number,
): PairedDifference {
  let [onlyA, onlyB] = [0, 0]
  for (let i = 0; i < n; i++) {
    if (a[i]! > b[i]!) onlyA++
    else if (a[i]! < b[i]!) onlyB++
  }
  const at = (m: number) => tangoInterval((onlyA * m) / n, (onlyB * m) / n, m, confidence)
  return { difference: (onlyA - onlyB) / n, interval: at(n), upperAt: (m) => at(m).high }
}

function realDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  n: number,
  confidence: number,
): PairedDifference {
  const differences = Float64Array.from({ length: n }, (_, i) => a[i]! - b[i]!)
  const difference = mean(differences)
  const spread = standardDeviation(differences)
  const z = twoSidedZ(confidence)
  if (spread > 0) {
    const interval = meanInterval(differences, confidence)
    return { difference, interval, upperAt: (m) => difference + (z * spread) / Math.sqrt(m) }
  }
  const range = rangeOf(a, b)
  const slack = (m: number) => (range * z * z) / (m + z * z)
  const interval = { low: difference - slack(n), high: difference + slack(n) }
  return { difference, interval, upperAt: (m) => difference + slack(m) }
}

function isBinary(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0 && values[i] !== 1) return false
  return true
}

function rangeOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [low, high] = [a[0]!, a[0]!]
  for (const values of [a, b]) {
    for (let i = 0; i < values.length; i++) {
      low = Math.min(low, values[i]!)
      high = Math.max(high, values[i]!)
    }
  }
  return high - low
}
