/** The fold facet: how the host computes an operator, or why it never does. */
import { intOf } from '../../graph/attributes.ts'
import { elementCount } from '../../graph/data-type.ts'
import { inlineValues } from '../../graph/tensor.ts'
import type { KnownOp } from '../known.ts'
import { elementwise } from './elementwise.ts'
import { type FoldRow, host, isPlain, type NeverFolded, never, newArray } from './fold-row.ts'
import { indexing } from './indexing.ts'
import { movement } from './movement.ts'
import { reductions } from './reduction.ts'

const kernel = never('its arithmetic is the kernel’s own')
const random = never('random: every run draws anew')
const quantized = never('few bits are kept where they are')
const control = never('subgraphs are simplified from within')

const constantOfShape: FoldRow = ({ node, outputs: [out] }) => {
  if (!out) return undefined
  const { value } = node.attributes
  const fill = value?.type === 'tensor' ? inlineValues(value.value)?.[0] : 0
  if (fill === undefined) return undefined
  const data = newArray(out.dtype, elementCount(out.shape))
  for (let i = 0; i < data.length; i++) data[i] = fill
  return [{ dtype: out.dtype, shape: out.shape, data }]
}

/** More than this many elements are left to the run. */
const LONGEST_RANGE = 65_536

/** start + i·delta: ONNX Runtime adds delta again and again in the tensor's own precision. */
const range: FoldRow = ({ inputs: [start, limit, delta] }) => {
  if (!start || !limit || !delta || !isPlain(start.dtype)) return undefined
  const { dtype } = start
  const [first, last, step] = [start.data[0]!, limit.data[0]!, delta.data[0]!]
  const count = Math.max(0, Math.ceil((Number(last) - Number(first)) / Number(step)))
  if (!(count <= LONGEST_RANGE)) return undefined
  if (typeof first === 'bigint' || typeof step === 'bigint') {
    const at = (i: number) => BigInt(first) + BigInt(i) * BigInt(step)
    return [
      host(
        dtype,
        [count],
        Array.from({ length: count }, (_, i) => at(i)),
      ),
    ]
  }
  let value = first
  const values = Array.from({ length: count }, () => {
    const now = value
    value = dtype === 'float32' ? Math.fround(value + step) : value + step
    return now
  })
  return [host(dtype, [count], values)]
}

/** Operators whose row finds the shape of its result, which follows from contents that types do not hold. */
export const shapedByRow: ReadonlySet<KnownOp> = new Set(['Range'])

const eyeLike: FoldRow = ({ node, outputs: [out] }) => {
  if (!out || !isPlain(out.dtype)) return undefined
  const [rows, columns] = out.shape as [number, number]
  const k = intOf(node, 'k', 0)
  const big = out.dtype === 'int64' || out.dtype === 'uint64'
  const data = newArray(out.dtype, rows * columns)
  for (let row = 0; row < rows; row++) {
    if (row + k >= 0 && row + k < columns) data[row * columns + row + k] = big ? 1n : 1
  }
  return [{ dtype: out.dtype, shape: out.shape, data }]
}

/** Values that follow from types alone are taken from inference before any row is asked. */
const fromTypes: FoldRow = () => undefined

export const foldTable: { readonly [O in KnownOp]: FoldRow | NeverFolded } = {
  ...elementwise,
  ...movement,
  ...indexing,
  ...reductions,
  Shape: fromTypes,
  Size: fromTypes,
  Constant: fromTypes,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  Softmax: kernel,
  LogSoftmax: kernel,
  LayerNormalization: kernel,
  RMSNormalization: kernel,
  BatchNormalization: kernel,
  GroupNormalization: kernel,
  InstanceNormalization: kernel,
  Dropout: random,
  MatMul: kernel,
  Gemm: kernel,
  Einsum: kernel,
  Conv: kernel,
  ConvTranspose: kernel,
  MaxPool: kernel,
  AveragePool: kernel,
  GlobalAveragePool: kernel,
  GlobalMaxPool: kernel,
  Attention: kernel,
  RotaryEmbedding: kernel,
  DynamicQuantizeLinear: quantized,
  QuantizeLinear: quantized,
  DequantizeLinear: quantized,
  MatMulInteger: quantized,
  If: control,
  Loop: control,
  Scan: control,
  RandomUniform: random,
  RandomNormal: random,
  RandomUniformLike: random,
  RandomNormalLike: random,
  Bernoulli: random,
  Multinomial: random,
  SoftmaxCrossEntropyLoss: kernel,
  NegativeLogLikelihoodLoss: kernel,
  'com.microsoft::FusedMatMul': kernel,
  'com.microsoft::MatMulIntegerToFloat': quantized,
  'com.microsoft::DynamicQuantizeMatMul': quantized,
  'com.microsoft::MatMulNBits': quantized,
  'com.microsoft::SkipLayerNormalization': kernel,
  'com.microsoft::SkipSimplifiedLayerNormalization': kernel,
  'com.microsoft::Gelu': kernel,
  'com.microsoft::BiasGelu': kernel,
  'com.microsoft::FastGelu': kernel,
  'com.microsoft::QuickGelu': kernel,
  'com.microsoft::MultiHeadAttention': kernel,
}
