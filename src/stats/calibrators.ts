/**
 * Ranges of activations from a stream of their values, for static quantization: one row a method.
 *
 * Min-max and its moving average keep two numbers and see the values once; the others see them twice, first for
 * the reach of a histogram, so that the result does not depend on the order of the batches. Entropy follows Migacz 2017 (8-bit
 * inference with TensorRT) as ONNX Runtime computes it, percentile Wu et al. 2020; MSE clips where the mean
 * squared error of 8 bits is least.
 */
import { SymmetricHistogram } from './histogram.ts'

export interface Range {
  readonly min: number
  readonly max: number
}

/** Takes batches of values, `rounds` times over the same, and says their range. */
export interface Calibrator {
  readonly rounds: 1 | 2
  /** Values of one batch; what is not finite is left out. */
  add(values: ArrayLike<number>): void
  /** All batches were seen; a second round begins. */
  nextRound(): void
  /** The range; undefined where no finite value was seen. */
  range(): Range | undefined
}

export interface CalibratorOptions {
  /** Weight of a new batch in the moving average; default 0.01. */
  readonly momentum?: number | undefined
  /** Part of the values inside the range, in percent; default 99.999. */
  readonly percentile?: number | undefined
  /** Bins of the histogram; default 4096 for percentiles, 2048 otherwise. */
  readonly bins?: number | undefined
}

/** Methods by name. */
export const calibrators = {
  'min-max': () => minMax((_, next) => next),
  'moving-average': ({ momentum = 0.01 }: CalibratorOptions) =>
    minMax((old, next, first) => (first ? next : mix(old, next, momentum)), true),
  percentile: ({ percentile = 99.999, bins = 4096 }: CalibratorOptions) =>
    histogram(bins, (seen) => percentileRange(seen, percentile)),
  entropy: ({ bins }: CalibratorOptions) => histogram(bins, entropyRange),
  mse: ({ bins }: CalibratorOptions) => histogram(bins, leastErrorRange),
} as const satisfies Record<string, (options: CalibratorOptions) => Calibrator>

export type CalibrationMethod = keyof typeof calibrators

/** A calibrator by name. */
export const newCalibrator = (
  method: CalibrationMethod,
  options: CalibratorOptions = {},
): Calibrator => calibrators[method](options)

const mix = (old: Range, next: Range, by: number): Range => ({
  min: old.min + by * (next.min - old.min),
  max: old.max + by * (next.max - old.max),
})

function minMax(
  join: (old: Range, batch: Range, first: boolean) => Range,
  alone = false,
): Calibrator {
  let found: Range | undefined
  return {
    rounds: 1,
    nextRound: () => {},
    add(values) {
      const batch = extremes(values)
      if (!batch) return
      const wide = found && around(found, batch)
      found = found ? join(found, alone ? batch : wide!, false) : batch
    },
    range: () => found,
  }
}

function extremes(values: ArrayLike<number>): Range | undefined {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
  }
  return min > max ? undefined : { min, max }
}

const around = (a: Range, b: Range): Range => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
})

/** A histogram and the extremes of what it counts. */
interface Seen extends Range {
  readonly histogram: SymmetricHistogram
}

function histogram(bins: number | undefined, choose: (seen: Seen) => Range): Calibrator {
  let found: Range | undefined
  let counts: SymmetricHistogram | undefined
  return {
    rounds: 2,
    add(values) {
      if (counts) return counts.add(values)
      const batch = extremes(values)
      if (batch) found = found ? around(found, batch) : batch
    },
    nextRound() {
      const reach = Math.max(Math.abs(found?.min ?? 0), Math.abs(found?.max ?? 0))
      counts = new SymmetricHistogram(bins ?? 2048, reach)
    },
    range() {
      if (!found || !counts) return undefined
      const range = choose({ ...found, histogram: counts })
      // bins have edges of their own: a constant's may lie on one side of it
      const { min, max } = found
      const inside = (value: number): number => Math.min(Math.max(value, min), max)
      return { min: inside(range.min), max: inside(range.max) }
    },
  }
}

/** Half of what is left out is cut from each end. */
function percentileRange({ histogram }: Seen, percentile: number): Range {
  const { counts: hits } = histogram
  const total = hits.reduce((sum, count) => sum + count, 0)
  const cut = (100 - percentile) / 200
  const binOf = (part: number): number => {
    let seen = 0
    const found = hits.findIndex((count) => {
      seen += count
      return seen / total >= part
    })
    return found < 0 ? hits.length : found
  }
  return { min: histogram.edge(binOf(cut)), max: histogram.edge(binOf(1 - cut)) }
}

const QUANTIZED_BINS = 128

/** The symmetric cut whose 128 levels tell least apart from the values (Kullback–Leibler). */
function entropyRange({ histogram }: Seen): Range {
  const { counts: hits } = histogram
  const middle = hits.length >> 1
  let best = Number.POSITIVE_INFINITY
  let [low, high] = [0, hits.length]
  const before = new Float64Array(hits.length + 1)
  hits.forEach((count, i) => {
    before[i + 1] = before[i]! + count
  })
  for (let half = QUANTIZED_BINS >> 1; half <= middle; half++) {
    const start = middle - half
    const end = Math.min(middle + half + 1, hits.length)
    const divergence = cutDivergence(hits, before, start, end)
    if (divergence < best) [best, low, high] = [divergence, start, end]
  }
  return { min: histogram.edge(low), max: histogram.edge(high) }
}

/** KL(p‖q) of the counts in `[start, end)` with the rest in their end bins, against them in 128 levels. */
function cutDivergence(
  hits: Float64Array,
  before: Float64Array,
  start: number,
  end: number,
): number {
  const size = end - start
  const p = hits.slice(start, end)
  p[0]! += before[start]!
  p[size - 1]! += before[hits.length]! - before[end]!
  const q = new Float64Array(size)
  const width = Math.floor(size / QUANTIZED_BINS)
  for (let level = 0; level < QUANTIZED_BINS; level++) {
    const from = level * width
    const to = from + width
    let filled = 0
    for (let i = from; i < to; i++) if (p[i] !== 0) filled++
    if (filled === 0) continue
    // what the levels do not divide is counted in the last one, as the reference does
    const counted = level === QUANTIZED_BINS - 1 ? size : to
    const each = (before[start + counted]! - before[start + from]!) / filled
    for (let i = from; i < to; i++) if (p[i] !== 0) q[i] = each
  }
  const [smoothP, smoothQ] = [smoothed(p), smoothed(q)]
  if (!smoothP || !smoothQ) return Number.POSITIVE_INFINITY
  const [sumP, sumQ] = [smoothP, smoothQ].map((list) => list.reduce((sum, x) => sum + x, 0))
  let divergence = 0
  for (let i = 0; i < size; i++) {
    const [a, b] = [smoothP[i]! / sumP!, smoothQ[i]! / sumQ!]
    if (a > 0) divergence += a * Math.log(a / b)
  }
  return divergence
}

const EPSILON = 1e-4

/** Empty bins get a little, taken from the others; undefined where they cannot give it. */
function smoothed(counts: Float64Array): Float64Array | undefined {
  const empty = counts.reduce((sum, count) => sum + Number(count === 0), 0)
  const filled = counts.length - empty
  const share = (EPSILON * empty) / filled
  if (filled === 0 || share >= 1) return undefined
  return counts.map((count) => (count === 0 ? EPSILON : count - share))
}

const LEVELS = 255
const CUTS = 100

/** The range, shrunk by steps of a hundredth, whose rounding and clipping lose least. */
function leastErrorRange({ histogram, min, max }: Seen): Range {
  const { counts: hits } = histogram
  let best: Range = { min, max }
  let least = Number.POSITIVE_INFINITY
  for (let cut = CUTS; cut > 0; cut--) {
    const range = { min: (min * cut) / CUTS, max: (max * cut) / CUTS }
    const [low, high] = [Math.min(0, range.min), Math.max(0, range.max)]
    const rounding = ((high - low) / LEVELS) ** 2 / 12
    let error = 0
    for (let bin = 0; bin < hits.length && error < least; bin++) {
      if (hits[bin] === 0) continue
      const value = (histogram.edge(bin) + histogram.edge(bin + 1)) / 2
      const outside = value < low ? low - value : value > high ? value - high : 0
      error += hits[bin]! * (outside > 0 ? outside ** 2 : rounding)
    }
    if (error < least) [least, best] = [error, range]
  }
  return best
}
