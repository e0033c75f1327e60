/**
 * Weights by reference: where a tensor's bytes stand, or how they follow from other tensors.
 *
 * A `Tensor` never owns more than a small inline constant. Large weights stay in their file (path,
 * offset, length); derived ones (transpose, cast, quantize, …) are a recipe that the writer computes and
 * streams. Only `src/onnx` turns references into bytes; everyone else asks an injected `ReadTensor`.
 */
import { bytesOf, type DataType, elementCount, type HostArray, hostArray } from './data-type.ts'

/** Bytes held in memory, little-endian, row-major. */
export interface InlineSource {
  readonly kind: 'inline'
  readonly bytes: Uint8Array
}
/** Bytes in a file; `path` is absolute or means something to the reader that made it. */
export interface FileSource {
  readonly kind: 'file'
  readonly path: string
  readonly offset: number
  readonly length: number
}
/** UTF-8 strings, one an element. */
export interface StringSource {
  readonly kind: 'strings'
  readonly values: readonly Uint8Array[]
}
/** Computed from other tensors when it is read or written, by the derivation named `op`. */
export interface DerivedSource {
  readonly kind: 'derived'
  readonly op: string
  readonly inputs: readonly Tensor[]
  /** Settings of the derivation, plain JSON. */
  readonly settings: Readonly<Record<string, DerivationSetting>>
}
export type DerivationSetting = number | string | boolean | readonly number[]
export type TensorSource = InlineSource | FileSource | StringSource | DerivedSource

/** A constant tensor: element type, shape and where its values come from. */
export interface Tensor {
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly source: TensorSource
}

/** Gives the bytes of a tensor, dense and little-endian (synchronous: passes are). */
export type ReadTensor = (tensor: Tensor) => Uint8Array

/** A tensor of values held in memory. */
export function inlineTensor(dtype: DataType, shape: readonly number[], data: HostArray): Tensor {
  return { dtype, shape, source: { kind: 'inline', bytes: bytesOf(data) } }
}

/** An int64 tensor (1-D unless a shape is given). */
export function int64Tensor(values: readonly (number | bigint)[], shape = [values.length]): Tensor {
  return inlineTensor('int64', shape, BigInt64Array.from(values, BigInt))
}

/** A float32 tensor (1-D unless a shape is given). */
export function float32Tensor(values: readonly number[], shape = [values.length]): Tensor {
  return inlineTensor('float32', shape, Float32Array.from(values))
}

/** A float32 scalar. */
export const floatScalar = (value: number): Tensor => float32Tensor([value], [])

/** The values of a tensor whose bytes are inline, without a reader; undefined for others. */
export function inlineValues(tensor: Tensor): HostArray | undefined {
  if (tensor.source.kind !== 'inline') return undefined
  return hostArray(tensor.dtype, tensor.source.bytes)
}

/** Elements in the tensor. */
export const tensorSize = (tensor: Tensor): number => elementCount(tensor.shape)

/** A derived tensor: `op` names a row of the derivation table in `src/onnx`. */
export function derive(
  op: string,
  inputs: readonly Tensor[],
  dtype: DataType,
  shape: readonly number[],
  settings: DerivedSource['settings'] = {},
): Tensor {
  return { dtype, shape, source: { kind: 'derived', op, inputs, settings } }
}

/** The tensor with its axes permuted; a double transpose gives the original back. */
export function transposed(tensor: Tensor, perm: readonly number[]): Tensor {
  if (perm.every((axis, i) => axis === i)) return tensor
  const { source } = tensor
  if (source.kind === 'derived' && source.op === 'transpose') {
    const inner = source.settings.perm as readonly number[]
    return transposed(
      source.inputs[0]!,
      perm.map((axis) => inner[axis]!),
    )
  }
  const shape = perm.map((axis) => tensor.shape[axis]!)
  return derive('transpose', [tensor], tensor.dtype, shape, { perm: [...perm] })
}

/** The tensor converted to another element type. */
export function casted(tensor: Tensor, dtype: DataType): Tensor {
  return tensor.dtype === dtype ? tensor : derive('cast', [tensor], dtype, tensor.shape)
}

/** The same bytes under another shape. */
export function reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
  if (tensor.source.kind === 'derived') return derive('reshape', [tensor], tensor.dtype, shape)
  return { ...tensor, shape }
}
