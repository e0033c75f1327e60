/**
 * How far what a model gives is from what it should give: signal to noise of inner values, and the losses of
 * outputs (Kullback-Leibler divergence of classes, cosine loss of vectors, squared difference of one score).
 */

type Numbers = ArrayLike<number>

/** Decibels of a signal over its noise, from their sums of squares; infinite without noise. */
export const signalToNoise = (signal: number, noise: number): number =>
  noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise)

/** KL(p ‖ q) in nats of the softmaxes of two rows of logits. */
export function klDivergence(p: Numbers, q: Numbers): number {
  const [sumP, sumQ] = [logSumExp(p), logSumExp(q)]
  let divergence = 0
  for (let i = 0; i < p.length; i++) {
    const logP = p[i]! - sumP
    const share = Math.exp(logP)
    if (share > 0) divergence += share * (logP - (q[i]! - sumQ))
  }
  // rounding may leave -1e-17
  return divergence < 0 ? 0 : divergence
}

/** log Σ eˣ, without overflow. */
function logSumExp(values: Numbers): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]!)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - largest)
  return largest + Math.log(sum)
}

/** 1 − cosine of two vectors; 0 where both are zero, 1 where one is. */
export function cosineLoss(a: Numbers, b: Numbers): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  if (aa === 0 || bb === 0) return aa === bb ? 0 : 1
  const loss = 1 - ab / Math.sqrt(aa * bb)
  return loss < 0 ? 0 : loss
}

/** Mean squared difference. */
export function squaredLoss(a: Numbers, b: Numbers): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum / a.length
}
