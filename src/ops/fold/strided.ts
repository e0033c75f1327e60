/** Walks of an array by strides: a permutation, a slice or a broadcast is one list of strides. */
import type { HostArray, HostTensor } from '../../graph/data-type.ts'
import { elementCount } from '../../graph/data-type.ts'
import { newArray } from './fold-row.ts'

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1)
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1]! * shape[axis + 1]!
  }
  return strides
}

/** Flat source index of every element of `shape`, walked row-major by the source's `strides`. */
export function walk(shape: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  let indices = Int32Array.of(offset)
  shape.forEach((size, axis) => {
    const next = new Int32Array(indices.length * size)
    const stride = strides[axis]!
    indices.forEach((base, i) => {
      for (let k = 0; k < size; k++) next[i * size + k] = base + k * stride
    })
    indices = next
  })
  return indices
}

/** The elements at these indices. */
export function take(
  source: HostTensor,
  indices: ArrayLike<number>,
  shape: readonly number[],
): HostTensor {
  const data = newArray(source.dtype, elementCount(shape))
  copyAt(data, source.data, indices)
  return { dtype: source.dtype, shape, data }
}

function copyAt(to: HostArray, from: HostArray, indices: ArrayLike<number>): void {
  for (let i = 0; i < indices.length; i++) to[i] = from[indices[i]!]!
}

/** Indices by which a tensor of `from` is read when broadcast to `shape`. */
export function broadcastWalk(from: readonly number[], shape: readonly number[]): Int32Array {
  const own = stridesOf(from)
  const lead = shape.length - from.length
  const strides = shape.map((_, axis) =>
    axis < lead || from[axis - lead] === 1 ? 0 : own[axis - lead]!,
  )
  return walk(shape, strides)
}

/** Splits a shape around an axis: elements before, along and after it. */
export const around = (shape: readonly number[], axis: number): [number, number, number] => [
  elementCount(shape.slice(0, axis)),
  shape[axis] ?? 1,
  elementCount(shape.slice(axis + 1)),
]
