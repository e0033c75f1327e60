/**
 * Random numbers of the binomial and the multinomial distribution, in time that does not grow with the
 * number of trials.
 *
 * Few expected successes: inversion by steps through the distribution. Many: transformed rejection with
 * squeeze, algorithm BTRS of Hörmann 1993, Journal of Statistical Computation and Simulation 46:101.
 * Both are exact up to rounding.
 */
import type { Random } from './random.ts'

/** Expected successes from which rejection is used. */
const many = 10

/** Successes of `n` trials of probability `p`. */
export function binomial(random: Random, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - binomial(random, n, 1 - p)
  return n * p < many ? byInversion(random, n, p) : byRejection(random, n, p)
}

/**
 * Fills `counts` with how often each kind comes in `n` draws, kinds being drawn by weight: binomials one
 * after the other, each of what the kinds before it left.
 */
export function multinomial(
  random: Random,
  n: number,
  weights: ArrayLike<number>,
  counts: Float64Array,
): void {
  let weight = 0
  for (let i = 0; i < weights.length; i++) weight += weights[i]!
  let left = n
  for (let i = 0; i < weights.length; i++) {
    const own = weights[i]!
    // the last kind takes what is left, whatever rounding made of the weights
    counts[i] = own >= weight ? left : binomial(random, left, own / weight)
    left -= counts[i]!
    weight -= own
  }
}

/** P(k + 1) / P(k) = (n - k) / (k + 1) · p / (1 - p). */
function byInversion(random: Random, n: number, p: number): number {
  const odds = p / (1 - p)
  let probability = (1 - p) ** n
  let rest = random.uniform()
  let k = 0
  while (rest > probability && k < n) {
    rest -= probability
    probability *= ((n - k) / (k + 1)) * odds
    k++
  }
  return k
}

function byRejection(random: Random, n: number, p: number): number {
  const spread = Math.sqrt(n * p * (1 - p))
  const b = 1.15 + 2.53 * spread
  const a = -0.0873 + 0.0248 * b + 0.01 * p
  const centre = n * p + 0.5
  const squeeze = 0.92 - 4.2 / b
  const alpha = (2.83 + 5.1 / b) * spread
  const odds = p / (1 - p)
  const mode = Math.floor((n + 1) * p)
  for (;;) {
    const u = random.uniform() - 0.5
    const v = random.uniform()
    const side = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / side + b) * u + centre)
    if (side >= 0.07 && v <= squeeze) return k
    if (k < 0 || k > n) continue
    const height = Math.log((v * alpha) / (a / (side * side) + b))
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (n - mode + 1))) +
      (n + 1) * Math.log((n - mode + 1) / (n - k + 1)) +
      (k + 0.5) * Math.log((odds * (n - k + 1)) / (k + 1)) +
      stirlingTail(mode) +
      stirlingTail(n - mode) -
      stirlingTail(k) -
      stirlingTail(n - k)
    if (height <= bound) return k
  }
}

/** ln k! less Stirling's (k + ½) ln(k + 1) - (k + 1) + ½ ln 2π. */
function stirlingTail(k: number): number {
  if (k < smallTails.length) return smallTails[k]!
  const square = (k + 1) ** 2
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
}

const smallTails = Array.from({ length: 10 }, (_, k) => {
  let factorial = 0
  for (let i = 2; i <= k; i++) factorial += Math.log(i)
  return factorial - (k + 0.5) * Math.log(k + 1) + (k + 1) - 0.5 * Math.log(2 * Math.PI)
})
