/**
 * Whether a variant lost no more than is allowed: non-inferiority on paired examples.
 *
 * *Proven* when the upper end of the two-sided 95 % interval of the drop lies within what is
 * allowed (one-sided, 97.5 %: the customary level of non-inferiority, ICH E9, section 5.5),
 * *rejected* when the observed drop exceeds it, else *undecided*, with the number of examples that
 * would decide.
 */
import { LimbeckError } from '../errors.ts'
import {
  type BootstrapOptions,
  bootstrapReplicates,
  everyExampleOnce,
  type Statistic,
} from './bootstrap.ts'
import { requirePaired } from './check-samples.ts'
import { defaultConfidence, twoSidedZ } from './distributions.ts'
import { mean } from './interval.ts'
import { pairedDifference } from './paired-difference.ts'
import { quantileOfSorted } from './quantile.ts'

/** The largest drop that is allowed: a share of the baseline, or metric units. */
export interface AllowedDrop {
  readonly kind: 'relative' | 'absolute'
  /** 0.01 is 1 % of the baseline, or 0.01 of the metric (one point). */
  readonly value: number
}

/** What the paired examples say. */
export type Verdict = 'proven' | 'rejected' | 'undecided'

/** A verdict with its numbers, all in metric units; a negative drop is a gain. */
export interface Acceptance {
  readonly verdict: Verdict
  /** Observed drop from before to after. */
  readonly drop: number
  /** Upper end of the two-sided interval of the drop. */
  readonly upper: number
  readonly allowed: number
  /** Examples compared. */
  readonly n: number
  /**
   * Undecided only: about how many examples would prove it if they were like those seen; absent
   * when no number would, because the observed drop equals the allowed one or the statistic is
   * undefined.
   */
  readonly needed?: number
}

/** Which way is better: 'higher' (accuracy) or 'lower' (an error). */
export type Better = 'higher' | 'lower'

/**
 * Parses `1%` (relative to the baseline) or `0.5pt` (points: 0.01 of the metric each).
 * @throws LimbeckError for anything else, and for less than 0.
 */
export function parseMaxDrop(text: string): AllowedDrop {
  const parts = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*(%|pt|pts)\s*$/.exec(text)
  if (parts) {
    return { kind: parts[2] === '%' ? 'relative' : 'absolute', value: Number(parts[1]) / 100 }
  }
  throw new LimbeckError('usage', `allowed drop: expected '1%' or '0.5pt', got '${text}'.`, {
    hint: "'1%' is relative to the baseline, '1pt' is one point of the metric (0.01).",
  })
}

/** The allowed drop in metric units, of a baseline in metric units. */
export const allowedDrop = ({ kind, value }: AllowedDrop, baseline: number): number =>
  kind === 'relative' ? value * Math.abs(baseline) : value

/** Input of `acceptDrop`. */
export interface DropQuestion {
  /** Score of each example before and after, in the same order; the metric is their mean. */
  readonly before: ArrayLike<number>
  readonly after: ArrayLike<number>
  readonly allowed: AllowedDrop
  /** Metric that a relative drop refers to; by default the mean of `before`. */
  readonly baseline?: number | undefined
  readonly better?: Better | undefined
  readonly confidence?: number | undefined
}

/**
 * The verdict on a metric that is a mean of per-example scores: accuracy (scores 0 and 1, Tango's
 * interval) or any other mean (Student's t).
 * @throws LimbeckError when the series differ in length, are empty, or hold NaN.
 */
export function acceptDrop(question: DropQuestion): Acceptance {
  const { before, after, confidence, better = 'higher' } = question
  requirePaired('paired scores', before, after)
  const n = before.length
  const drop =
    better === 'higher'
      ? pairedDifference(before, after, confidence)
      : pairedDifference(after, before, confidence)
  const allowed = allowedDrop(question.allowed, question.baseline ?? mean(before))
  const upper = drop.interval.high
  const verdict = verdictOf(drop.difference, upper, allowed)
  const needed = verdict === 'undecided' ? examplesNeeded(n, drop.upperAt, allowed) : undefined
  return answer({ verdict, drop: drop.difference, upper, allowed, n }, needed)
}

/** Input of `acceptStatistic`. */
export interface StatisticQuestion extends BootstrapOptions {
  /** Number of examples. */
  readonly n: number
  /** The metric before and after, as statistics of the same counted examples. */
  readonly before: Statistic
  readonly after: Statistic
  readonly allowed: AllowedDrop
  readonly better?: Better | undefined
}

/**
 * The verdict on a metric that is no mean of per-example scores (correlations, F1, Matthews), by a
 * paired percentile bootstrap. Where every resample shows the same drop, as with equal predictions,
 * the upper end allows for z²/(n + z²) of the baseline, as Tango's interval does without discordant
 * pairs.
 */
export function acceptStatistic(question: StatisticQuestion): Acceptance {
  const { n, before, after, better = 'higher', confidence = defaultConfidence } = question
  const sign = better === 'higher' ? 1 : -1
  const difference: Statistic = (counts) => sign * (before(counts) - after(counts))
  const all = everyExampleOnce(n)
  const baseline = before(all)
  const drop = difference(all)
  if (!Number.isFinite(drop)) {
    throw new LimbeckError(
      'input',
      'the metric is undefined on these examples (constant answers?).',
    )
  }
  const allowed = allowedDrop(question.allowed, baseline)
  const replicates = bootstrapReplicates(n, difference, question)
  const z2 = twoSidedZ(confidence) ** 2
  const spread = (replicates.at(-1) ?? Number.NaN) - (replicates[0] ?? Number.NaN)
  // a statistic that is undefined on most resamples has no interval
  const known = replicates.length >= (question.resamples ?? 2000) / 2
  const upper = !known
    ? Number.POSITIVE_INFINITY
    : spread > 0
      ? quantileOfSorted(replicates, (1 + confidence) / 2)
      : drop + (Math.abs(baseline) * z2) / (n + z2)
  const verdict = verdictOf(drop, upper, allowed)
  if (verdict !== 'undecided' || !known) return answer({ verdict, drop, upper, allowed, n })
  const upperAt = (m: number) =>
    spread > 0
      ? drop + (upper - drop) * Math.sqrt(n / m)
      : drop + (Math.abs(baseline) * z2) / (m + z2)
  return answer({ verdict, drop, upper, allowed, n }, examplesNeeded(n, upperAt, allowed))
}

/** Scores and allowed drops are sums of roundings; equal ones must compare as equal. */
const rounding = 1e-12

function verdictOf(drop: number, upper: number, allowed: number): Verdict {
  if (drop > allowed + rounding) return 'rejected'
  return upper <= allowed + rounding ? 'proven' : 'undecided'
}

const answer = (acceptance: Acceptance, needed?: number): Acceptance =>
  needed === undefined ? acceptance : { ...acceptance, needed }

/** The least m > n whose upper end is within `allowed`; undefined when none below 1e12 is. */
function examplesNeeded(
  n: number,
  upperAt: (m: number) => number,
  allowed: number,
): number | undefined {
  let low = n
  let high = 2 * n
  while (upperAt(high) > allowed) {
    if (high > 1e12) return undefined
    low = high
    high *= 2
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (upperAt(middle) > allowed) low = middle
    else high = middle
  }
  return high
}
