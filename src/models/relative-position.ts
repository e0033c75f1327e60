/**
 * How far apart two tokens stand, as a bucket of a learned table.
 *
 * Distances `[S, S]` follow from the sequence length in the graph; a bucket is a function of the
 * distance alone, so it is looked up in a constant of one entry for each distance up to where the buckets
 * end. T5's buckets (Raffel et al. 2020) grow with the logarithm and keep the sign; so do DeBERTa's (He et
 * al. 2021). Both round in float32, as PyTorch does: a distance next to a border must not change sides.
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { int64Tensor } from '../graph/tensor.ts'
import type { ModelBuilder } from './model-builder.ts'

/** A bucket for a distance; constant beyond `reach` on both sides. */
export interface Buckets {
  readonly of: (distance: number) => number
  readonly reach: number
}

const f32 = Math.fround
const log32 = (x: number): number => f32(Math.log(f32(x)))

/** T5's two-sided buckets of `query − key`: exact up to a quarter of `count`, then logarithmic. */
export function t5Buckets(count: number, maxDistance: number): Buckets {
  const side = count / 2
  const exact = side / 2
  const of = (distance: number): number => {
    const far = Math.abs(distance)
    const base = distance < 0 ? side : 0
    if (far < exact) return base + far
    const steps = f32(f32(log32(far / exact) / f32(Math.log(maxDistance / exact))) * (side - exact))
    return base + Math.min(exact + Math.trunc(steps), side - 1)
  }
  return { of, reach: maxDistance }
}

/**
 * DeBERTa's buckets of `query − key`, as rows of a table of `2 × span`: the distance itself, or for
 * `logarithmic` ones up to half of span, then its logarithm.
 */
export function debertaBuckets(span: number, maxPosition: number, logarithmic: boolean): Buckets {
  const middle = Math.floor(span / 2)
  const whole = log32((maxPosition - 1) / middle)
  const bucket = (distance: number): number => {
    const far = Math.abs(distance)
    if (!logarithmic || far <= middle) return distance
    const steps = Math.ceil(f32(f32(log32(far / middle) / whole) * (middle - 1))) + middle
    return Math.sign(distance) * steps
  }
  const of = (distance: number): number =>
    Math.min(Math.max(bucket(distance) + span, 0), 2 * span - 1)
  let reach = logarithmic ? maxPosition : span
  while (of(-reach) > 0 || of(reach) < 2 * span - 1) reach++
  return { of, reach }
}

/** Number of tokens, int64 `[1]`. */
export const tokenCount = (b: ModelBuilder, ids: Value): Value =>
  b.op('Shape', [ids], { start: int(1), end: int(2) })

/** `start, start + 1, … end − 1` as int64; both are scalars. */
export const range = (b: ModelBuilder, start: Value, end: Value): Value =>
  b.op('Range', [start, end, scalar(b, 1)])

export const scalar = (b: ModelBuilder, value: number): Value =>
  b.constant(int64Tensor([value], []), 'number')

/** A one-element vector as a scalar. */
export const toScalar = (b: ModelBuilder, x: Value): Value =>
  b.op('Squeeze', [x, b.int64s([0], 'axis')])

/** The end of a slice that goes on to the last element. */
export const toEnd = (b: ModelBuilder): Value => b.constant(int64Tensor([2n ** 63n - 1n]), 'end')

/** The end of a slice that goes back to the first element. */
export const toStart = (b: ModelBuilder): Value => b.constant(int64Tensor([-(2n ** 63n)]), 'end')

/** Positions `0 … S − 1`. */
export const positions = (b: ModelBuilder, ids: Value): Value =>
  range(b, scalar(b, 0), toScalar(b, tokenCount(b, ids)))

/** `query − key` for every pair of tokens: int64 `[S, S]`. */
export function distances(b: ModelBuilder, ids: Value): Value {
  const at = positions(b, ids)
  const rows = b.op('Unsqueeze', [at, b.int64s([1], 'axis')])
  return b.op('Sub', [rows, b.op('Unsqueeze', [at, b.int64s([0], 'axis')])])
}

/** The bucket of every distance in `distance` (int64, any shape). */
export function bucketOf(b: ModelBuilder, distance: Value, { of, reach }: Buckets): Value {
  const table = Array.from({ length: 2 * reach + 1 }, (_, i) => of(i - reach))
  const shifted = b.op('Add', [distance, scalar(b, reach)])
  const bounded = b.op('Clip', [shifted, scalar(b, 0), scalar(b, 2 * reach)])
  return b.op('Gather', [b.constant(int64Tensor(table), 'buckets'), bounded])
}
