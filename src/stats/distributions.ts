/**
 * Quantiles and distribution functions that intervals stand on: normal, Student's t, binomial.
 *
 * Student and binomial come from one function, the regularized incomplete beta.
 */

/** Central probability of an interval where none is given. */
export const defaultConfidence = 0.95

const central = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946,
    45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597,
    39307.89580009271, 28729.085735721943, 5226.495278852854,
  ],
] as const
const tail = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045,
    1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008,
    0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0)

/**
 * The x below which a standard normal lies with probability p; p in [1e-11, 1 - 1e-11].
 * Wichura 1988, algorithm AS 241 (PPND16), Applied Statistics 37:477, without its far tail.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (q * polynomial(central[0], r)) / polynomial(central[1], r)
  }
  const r = Math.sqrt(-Math.log(Math.min(p, 1 - p))) - 1.6
  return (Math.sign(q) * polynomial(tail[0], r)) / polynomial(tail[1], r)
}

/** z of a two-sided interval: 1.96 for 0.95. */
export const twoSidedZ = (confidence: number): number => normalQuantile((1 + confidence) / 2)

/** ln Γ(x) for x > 0, by the Lanczos approximation (g = 7, nine terms). */
function logGamma(x: number): number {
  const terms = [
    0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531,
    -176.6150291621406, 12.507343278686905, -0.13857109526572012, 9.984369578019572e-6,
    1.5056327351493116e-7,
  ]
  const t = x + 6.5
  const sum = terms.reduce((total, term, i) => (i === 0 ? term : total + term / (x - 1 + i)), 0)
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularized incomplete beta I_x(a, b), by its continued fraction (DLMF 8.17.22, Lentz). */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // the fraction converges fast only on this side
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a)
  const logFront =
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)
  const away = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    fraction *= c * d
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return (Math.exp(logFront) * fraction) / a
}

/** P(X <= successes) of a binomial with `trials` trials of probability `p`. */
export function binomialCdf(successes: number, trials: number, p: number): number {
  if (successes < 0) return 0
  if (successes >= trials) return 1
  return regularizedBeta(1 - p, trials - successes, successes + 1)
}

/** The t below which Student's t with `degrees` degrees of freedom lies with probability p. */
export function studentQuantile(p: number, degrees: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degrees)
  // P(|T| > t) = I_x(v/2, 1/2) at x = v / (v + t²): search x, which lies in [0, 1]
  const both = 2 * (1 - p)
  let low = 0
  let high = 1
  for (let i = 0; i < 200; i++) {
    const x = (low + high) / 2
    if (regularizedBeta(x, degrees / 2, 0.5) < both) low = x
    else high = x
  }
  return Math.sqrt(degrees * (1 / high - 1))
}
