/**
 * Transposition and slicing of dense tensors. Two axes go by tiles that stay in the cache; more axes
 * walk the output in order with one stride an axis.
 */
import { elementCount } from '../graph/data-type.ts'
import type { Words } from './element-words.ts'

const TILE = 32

/** `to[c, r] = from[r, c]` for `from` of [rows, columns]. */
export function transposeMatrix(from: Words, rows: number, columns: number, to: Words): void {
  // one shape of code for every word size: the arrays differ, the loop does not
  const source = from as Uint32Array
  const target = to as Uint32Array
  for (let r0 = 0; r0 < rows; r0 += TILE) {
    const r1 = Math.min(r0 + TILE, rows)
    for (let c0 = 0; c0 < columns; c0 += TILE) {
      const c1 = Math.min(c0 + TILE, columns)
      for (let c = c0; c < c1; c++) {
        for (let r = r0; r < r1; r++) target[c * rows + r] = source[r * columns + c]!
      }
    }
  }
}

/** `from` of `shape` with its axes permuted: axis `i` of `to` is axis `perm[i]` of `from`. */
export function permuteElements(
  from: Words,
  shape: readonly number[],
  perm: readonly number[],
  to: Words,
): void {
  const moved = perm.filter((axis) => shape[axis] !== 1)
  const sorted = [...moved].sort((a, b) => a - b)
  if (moved.every((axis, i) => axis === sorted[i])) {
    ;(to as Uint32Array).set(from as Uint32Array)
    return
  }
  if (moved.length === 2) {
    transposeMatrix(from, shape[sorted[0]!]!, shape[sorted[1]!]!, to)
    return
  }
  const strides = stridesOf(shape)
  walk(
    from,
    perm.map((axis) => shape[axis]!),
    perm.map((axis) => strides[axis]!),
    0,
    to,
  )
}

/** The part of `from` that begins at `starts` and has the sizes `sizes`, every `steps[i]`-th element. */
export function sliceElements(
  from: Words,
  shape: readonly number[],
  starts: readonly number[],
  steps: readonly number[],
  sizes: readonly number[],
  to: Words,
): void {
  const strides = stridesOf(shape)
  const first = starts.reduce((sum, start, axis) => sum + start * strides[axis]!, 0)
  walk(
    from,
    sizes,
    strides.map((stride, axis) => stride * steps[axis]!),
    first,
    to,
  )
}

/** Elements between neighbours along each axis of a dense tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return strides
}

/** Fills `to` in order with the elements of `from` at `first` + index · strides, for each index in `sizes`. */
function walk(
  from: Words,
  sizes: readonly number[],
  strides: readonly number[],
  first: number,
  to: Words,
): void {
  const source = from as Uint32Array
  const target = to as Uint32Array
  const count = elementCount(sizes)
  if (count === 0) return
  const inner = sizes.at(-1) ?? 1
  const innerStride = strides.at(-1) ?? 1
  const index = new Array<number>(Math.max(0, sizes.length - 1)).fill(0)
  let at = first
  for (let done = 0; done < count; done += inner) {
    for (let i = 0; i < inner; i++) target[done + i] = source[at + i * innerStride]!
    for (let axis = index.length - 1; axis >= 0; axis--) {
      at += strides[axis]!
      if (++index[axis]! < sizes[axis]!) break
      at -= strides[axis]! * sizes[axis]!
      index[axis] = 0
    }
  }
}
