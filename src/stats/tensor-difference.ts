/** How far the values of one tensor are from another's, from sums over batches, added up in double precision. */
import { signalToNoise } from './divergence.ts'

/** Sums over the values of a batch. */
export interface DifferenceSums {
  readonly count: number
  /** Σa² and Σb². */
  readonly signal: number
  readonly other: number
  /** Σ(a−b)². */
  readonly noise: number
  /** Largest |a−b|. */
  readonly largest: number
  /** Values with |a−b| > t·(1 + |a|). */
  readonly outside: number
  /** Values whose difference is not finite; they are in no other sum. */
  readonly nonFinite: number
}

export interface TensorDifference {
  /** Values compared. */
  readonly count: number
  /** Decibels of the first tensor over the difference; infinite where they are the same. */
  readonly sqnr: number
  /** Of all values as one vector. */
  readonly cosine: number
  /** √(Σ(a−b)² / Σa²). */
  readonly relative: number
  readonly maxAbs: number
  /** Share of the values that are outside, or not finite. */
  readonly outside: number
  readonly nonFinite: number
}

const nothing: DifferenceSums = {
  ...{ count: 0, signal: 0, other: 0, noise: 0 },
  ...{ largest: 0, outside: 0, nonFinite: 0 },
}

/** The sums of two batches together. */
export const addSums = (a: DifferenceSums = nothing, b: DifferenceSums): DifferenceSums => ({
  count: a.count + b.count,
  signal: a.signal + b.signal,
  other: a.other + b.other,
  noise: a.noise + b.noise,
  largest: Math.max(a.largest, b.largest),
  outside: a.outside + b.outside,
  nonFinite: a.nonFinite + b.nonFinite,
})

/** What sums say. */
export function tensorDifference(sums: DifferenceSums = nothing): TensorDifference {
  const { count, signal, other, noise, largest, outside, nonFinite } = sums
  // Σ(a−b)² = Σa² + Σb² − 2·Σab
  const product = (signal + other - noise) / 2
  const size = Math.sqrt(signal * other)
  const isWrong = nonFinite > 0
  return {
    count: count + nonFinite,
    sqnr: isWrong ? Number.NEGATIVE_INFINITY : signalToNoise(signal, noise),
    // float32 sums may leave more than 1
    cosine: noise === 0 ? 1 : size === 0 ? 0 : Math.max(-1, Math.min(1, product / size)),
    relative: noise === 0 ? 0 : Math.sqrt(noise / signal),
    maxAbs: isWrong ? Number.POSITIVE_INFINITY : largest,
    outside: count + nonFinite === 0 ? 0 : (outside + nonFinite) / (count + nonFinite),
    nonFinite,
  }
}
