/** Types of attention kernels and of quantization operators. */
import { intOf } from '../../graph/attributes.ts'
import { type DataType, dataTypeOfCode } from '../../graph/data-type.ts'
import { addDims, type Dim, divDims, mulDims, type Shape } from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import { type InferRow, like, typed } from './infer-row.ts'

/** [batch, heads, length, size] of a 4-D operand, or of a 3-D one split in `heads`. */
function headed(shape: Shape | undefined, heads: number | undefined): Shape {
  if (shape?.length === 4) return shape
  if (shape?.length !== 3) return [null, heads ?? null, null, null]
  return [shape[0]!, heads ?? null, shape[1]!, divDims(shape[2]!, heads ?? null)]
}

/** ai.onnx Attention-23/24: Y, present key, present value, scores. */
const attention: InferRow = ({ node, inputs: [q, k, v, , pastKey] }) => {
  const query = headed(q?.shape, intOf(node, 'q_num_heads', undefined))
  const keyHeads = intOf(node, 'kv_num_heads', undefined)
  const key = headed(k?.shape, keyHeads)
  const value = headed(v?.shape, keyHeads)
  const total: Dim = node.inputs[4] ? addDims(pastKey?.shape?.[2] ?? null, key[2]!) : key[2]!
  const [batch, heads, length] = query as [Dim, Dim, Dim]
  const y =
    q?.shape?.length === 3
      ? [batch, length, mulDims(heads, value[3]!)]
      : q?.shape && [batch, heads, length, value[3]!]
  return [
    typed(q?.dtype, y),
    typed(k?.dtype, [key[0]!, key[1]!, total, key[3]!]),
    typed(v?.dtype, [value[0]!, value[1]!, total, value[3]!]),
    typed(q?.dtype, [batch, heads, length, total]),
  ]
}

/** com.microsoft MultiHeadAttention: [batch, length, width of the values]; packed inputs are left open. */
const multiHead: InferRow = ({ node, inputs: [q, k, v] }) => {
  const heads = intOf(node, 'num_heads', 1)
  const [batch, length] = q?.shape ?? [null, null]
  const values = v?.shape
  const width = values?.length === 4 ? mulDims(values[1]!, values[3]!) : (values?.[2] ?? null)
  const size = divDims(q?.shape?.length === 3 ? q.shape[2]! : null, heads)
  const present = [
    batch!,
    heads,
    k?.shape?.length === 3 && !node.inputs[6] ? k.shape[1]! : null,
    size,
  ]
  return [
    typed(q?.dtype, [batch!, length!, width]),
    typed(q?.dtype, present),
    typed(q?.dtype, present),
    typed(q?.dtype, [batch!, heads, length!, null]),
  ]
}

const codeOf = (code: number, fallback: DataType | undefined): DataType | undefined =>
  dataTypeOfCode(code) ?? fallback

export const attentionAndQuantization = {
  Attention: attention,
  RotaryEmbedding: ({ inputs: [x] }) => [like(x)],
  DynamicQuantizeLinear: ({ inputs: [x] }) => [
    typed('uint8', x?.shape),
    typed('float32', []),
    typed('uint8', []),
  ],
  QuantizeLinear: ({ node, inputs: [x, , zero] }) => [
    typed(zero?.dtype ?? codeOf(intOf(node, 'output_dtype', 0), 'uint8'), x?.shape),
  ],
  DequantizeLinear: ({ node, inputs: [x, scale] }) => [
    typed(codeOf(intOf(node, 'output_dtype', 0), scale?.dtype), x?.shape),
  ],
  'com.microsoft::MultiHeadAttention': multiHead,
} satisfies Partial<Record<KnownOp, InferRow>>
