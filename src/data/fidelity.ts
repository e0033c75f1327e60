/**
 * How near a variant's outputs are to its source's, where no label says what is right.
 *
 * A running meter: rows are added as they come, memory stays flat. The source is the reference of
 * the divergence: KL(source || variant), in nats (Kullback and Leibler 1951).
 */
import { type Interval, wilsonInterval } from '../stats/index.ts'
import { argmax, cosineSimilarity, logSoftmax, type Row, sigmoid } from './logits.ts'

/** What rows are: class logits (exclusive or not), or plain values such as an embedding. */
export type RowKind = 'softmax' | 'sigmoid' | 'values'

/** Nearness of all rows added so far. */
export interface Fidelity {
  /** Rows compared. */
  readonly n: number
  /** Largest absolute difference of any value; infinite when a variant's value is not finite. */
  readonly maxAbsError: number
  /** Rows where either holds NaN or an infinity; they count as disagreeing and are in no mean. */
  readonly nonFinite: number
  /** Cosine similarity of source and variant rows. */
  readonly cosine: { readonly mean: number; readonly min: number }
  /** Mean divergence in nats; for class logits alone. */
  readonly divergence?: number
  /** Share of rows with the same answer, and its 95 % interval (Wilson); for class logits alone. */
  readonly agreement?: { readonly value: number; readonly interval: Interval }
}

/** Compares rows of a source and a variant one by one. */
export interface FidelityMeter {
  add(source: Row, variant: Row): void
  result(): Fidelity
}

interface RowComparison {
  /** Divergence in nats of the answers' distributions. */
  readonly divergence: (source: Row, variant: Row) => number
  readonly agrees: (source: Row, variant: Row) => boolean
}

const comparisons: Readonly<Record<RowKind, RowComparison | undefined>> = {
  softmax: {
    divergence: (source, variant) => {
      const [p, q] = [logSoftmax(source), logSoftmax(variant)]
      return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - q[i]!), 0)
    },
    agrees: (source, variant) => argmax(source) === argmax(variant),
  },
  // classes by themselves: the sum of the divergences of each
  sigmoid: {
    divergence: (source, variant) =>
      Array.from(source).reduce((sum, logit, i) => {
        const p = sigmoid(logit)
        const other = variant[i]!
        return (
          sum +
          p * (logSigmoid(logit) - logSigmoid(other)) +
          (1 - p) * (logSigmoid(-logit) - logSigmoid(-other))
        )
      }, 0),
    agrees: (source, variant) => Array.from(source).every((x, i) => x > 0 === variant[i]! > 0),
  },
  values: undefined,
}

/** ln of the sigmoid without overflow. */
const logSigmoid = (x: number): number => Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x)))

/** A meter of rows of one kind; rows of a pair have the same length. */
export function fidelityMeter(kind: RowKind): FidelityMeter {
  const comparison = comparisons[kind]
  let [n, nonFinite, maxAbsError, same] = [0, 0, 0, 0]
  let [cosines, leastCosine, divergences] = [0, 1, 0]
  return {
    add(source, variant) {
      n++
      const error = largestDifference(source, variant)
      maxAbsError = Math.max(maxAbsError, error)
      if (!Number.isFinite(error)) {
        nonFinite++
        return
      }
      const cosine = cosineSimilarity(source, variant)
      cosines += cosine
      leastCosine = Math.min(leastCosine, cosine)
      if (!comparison) return
      divergences += comparison.divergence(source, variant)
      if (comparison.agrees(source, variant)) same++
    },
    result() {
      const finite = n - nonFinite
      const base = {
        n,
        maxAbsError,
        nonFinite,
        cosine: { mean: cosines / finite, min: finite > 0 ? leastCosine : Number.NaN },
      }
      if (!comparison) return base
      const agreement = { value: same / n, interval: wilsonInterval(same, n) }
      return { ...base, divergence: divergences / finite, agreement }
    },
  }
}

/** Infinite where a value of either is not finite. */
function largestDifference(a: Row, b: Row): number {
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY
    if (difference > largest) largest = difference
  }
  return largest
}
