/**
 * What a row of the fold table gets and gives: tensors on the host, small ones.
 *
 * A row computes what ONNX Runtime's kernel would: float32 in single precision, integers wrapping. Where
 * a kernel's result is not ours to know (a division by 0, a cast out of range), a row gives undefined.
 */
import type { DataType, HostArray, HostTensor } from '../../graph/data-type.ts'
import { bytesOf, dataTypes, elementCount, hostArray } from '../../graph/data-type.ts'
import type { Node } from '../../graph/graph.ts'

export interface FoldContext {
  readonly node: Node
  readonly inputs: readonly (HostTensor | undefined)[]
  /** Inferred types of the outputs, their shapes static. */
  readonly outputs: readonly { readonly dtype: DataType; readonly shape: readonly number[] }[]
}

/** The outputs' values; undefined where the node stays. */
export type FoldRow = (context: FoldContext) => readonly HostTensor[] | undefined

/** The operator is never folded, and why. */
export interface NeverFolded {
  readonly never: string
}

export const never = (reason: string): NeverFolded => ({ never: reason })

/** Element types whose words are their values. */
const plain: ReadonlySet<DataType> = new Set([
  'float32',
  'float64',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint64',
  'uint32',
  'uint16',
  'uint8',
  'bool',
])

/** True for types that can be computed with on the host (half floats can only be moved). */
export const isPlain = (dtype: DataType): boolean => plain.has(dtype)

/** A zeroed array for `count` elements. */
export const newArray = (dtype: DataType, count: number): HostArray =>
  hostArray(dtype, new Uint8Array((count * dataTypes[dtype].bits) / 8))

/** One output of the given elements, in row-major order. */
export function host(
  dtype: DataType,
  shape: readonly number[],
  values: ArrayLike<number | bigint>,
): HostTensor {
  const data = newArray(dtype, elementCount(shape)) as {
    [index: number]: number | bigint
  } & HostArray
  for (let i = 0; i < values.length; i++) data[i] = values[i]!
  return { dtype, shape, data }
}

/** The same words under another shape. */
export const reshapedHost = (tensor: HostTensor, shape: readonly number[]): HostTensor => ({
  ...tensor,
  shape,
  data: hostArray(tensor.dtype, bytesOf(tensor.data)),
})

/** Integers of an int32 or int64 tensor as numbers; bounds beyond 2^53 stay as large as they are. */
export const integersOf = (tensor: HostTensor | undefined): number[] | undefined =>
  tensor && Array.from(tensor.data as ArrayLike<number | bigint>, Number)
