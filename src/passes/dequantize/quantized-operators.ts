/**
 * Operators that compute on quantized values and give one: QLinear* of ai.onnx and com.microsoft, QGemm, QAttention,
 * QEmbedLayerNormalization. One row each: where its operands stand (value, scale, zero point), and the float operator.
 */
import { int, intOf, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { int64Tensor, tensorSize } from '../../graph/tensor.ts'
import { dequantizedWeight } from '../../onnx/dequantize-weight.ts'
import type { Convert, Dequantizer, Operand } from './dequantizer.ts'
import { rectified } from './pairs.ts'

/** Three inputs from `at` on. */
const operand = ({ inputs }: Node, at: number): Operand => [
  inputs[at],
  inputs[at + 1],
  inputs[at + 2],
]

/** Where an operator has its operands, and where scale and zero point of what it gives. */
interface Row {
  readonly operands: readonly number[]
  readonly result: number
  /** Axis of a weight's scales, by operand. */
  readonly axes?: readonly number[]
  /** Why it cannot be done. */
  readonly not?: (node: Node) => string | false
  float(to: Dequantizer, node: Node, floats: readonly Value[]): Value | string
}

/** The float of a result stands behind the quantized one; without a scale it is the result. */
function give(to: Dequantizer, node: Node, float: Value, at: number): true {
  const [output] = node.outputs
  const [scale, zero] = [node.inputs[at], node.inputs[at + 1]]
  if (!output) return true
  if (scale) to.shadows.set(output, { float: rectified(to, float, zero), scale, zero })
  else to.replace(output, float)
  return true
}

const convert =
  ({ operands, result, axes, not, float }: Row): Convert =>
  (node, to) => {
    const reason = not?.(node)
    if (reason) return reason
    const floats: Value[] = []
    for (const [i, at] of operands.entries()) {
      const axis = axes?.[i]
      const found = to.floatOf(operand(node, at), axis === undefined ? {} : { axis })
      if (typeof found === 'string') return found
      floats.push(found)
    }
    const made = float(to, node, floats)
    return typeof made === 'string' ? made : give(to, node, made, result)
  }

/** An int32 bias, whose scale is the product of those of the operands. */
function biasOf(
  to: Dequantizer,
  bias: Value,
  scales: readonly (Value | undefined)[],
  alpha = 1,
): Value | string {
  const codes = to.tensor(bias)
  const [a, b] = scales.map((scale) => to.numbers(scale))
  if (!codes || !a || a.length !== 1 || !b)
    return `the scale of its bias '${bias.name}' is no constant`
  if (b.length !== 1 && b.length !== tensorSize(codes))
    return `'${bias.name}' has another size than its scales`
  const products = Array.from(b, (each) => each * a[0]! * alpha)
  const scale = to.floats32(products, b.length === 1 ? [] : [b.length])
  const axis = codes.shape.length - 1
  return to.constant(
    dequantizedWeight(codes, scale, undefined, { axis }),
    bias.name.replace(/_quantized$/, ''),
  )
}

const lastChannels = (node: Node): string | false =>
  intOf(node, 'channels_last', 0) === 1 && 'its channels come last'

const without = ({ attributes }: Node, ...names: string[]) =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))

const unary = (op: string, not?: Row['not']): Convert =>
  convert({
    ...{ operands: [0], result: 3, ...(not && { not }) },
    float: (to, node, [x]) => to.op(op, [x], without(node, 'channels_last', 'opset')),
  })

const binary = (op: string): Convert =>
  convert({ operands: [0, 3], result: 6, float: (to, _, [a, b]) => to.op(op, [a, b]) })

const convolution: Convert = convert({
  ...{ operands: [0, 3], result: 6, axes: [0, 0], not: lastChannels },
  float(to, node, [x, weight]) {
    const [, scale, , , scales, , , , bias] = node.inputs
    const added = bias && biasOf(to, bias, [scale, scales])
    if (typeof added === 'string') return added
    return to.op('Conv', [x, weight, added], without(node, 'channels_last'))
  },
})

const gemm: Convert = (node, to) => {
  const [a, as, az, b, bs, bz, c] = node.inputs
  const x = to.floatOf([a, as, az])
  const weight = to.floatOf([b, bs, bz], { axis: intOf(node, 'transB', 0) === 1 ? 0 : 1 })
  if (typeof x === 'string') return x
  if (typeof weight === 'string') return weight
  const alpha = node.attributes.alpha?.type === 'float' ? node.attributes.alpha.value : 1
  const bias = c && biasOf(to, c, [as, bs], alpha)
  if (typeof bias === 'string') return bias
  return give(to, node, to.op('Gemm', [x, weight, bias], node.attributes), 7)
}

const concat: Convert = (node, to) => {
  const count = Math.floor((node.inputs.length - 2) / 3)
  const floats = Array.from({ length: count }, (_, i) => to.floatOf(operand(node, 2 + 3 * i)))
  const reason = floats.find((float) => typeof float === 'string')
  if (reason !== undefined) return reason as string
  return give(to, node, to.op('Concat', floats as Value[], node.attributes), 0)
}

const where: Convert = convert({
  ...{ operands: [1, 4], result: 7 },
  float: (to, node, [x, y]) => to.op('Where', [node.inputs[0], x, y]),
})

const reduceMean: Convert = convert({
  ...{ operands: [0], result: 3 },
  float(to, node, [x]) {
    const axes = intsOf(node, 'axes')
    const given = axes && to.constant(int64Tensor(axes), 'axes')
    return to.op('ReduceMean', [x, given], { keepdims: int(intOf(node, 'keepdims', 1)) })
  },
})

const attention: Convert = (node, to) => {
  const [x, weight, bias, xs, ws, mask, xz, wz, past] = node.inputs
  if (past) return 'it has a cache'
  const float = to.floatOf([x, xs, xz])
  const floatWeight = to.floatOf([weight, ws, wz], { axis: 1 })
  if (typeof float === 'string') return float
  if (typeof floatWeight === 'string') return floatWeight
  const options = { domain: 'com.microsoft' }
  to.replace(
    node.outputs[0],
    to.op('Attention', [float, floatWeight, bias, mask], node.attributes, options),
  )
  return true
}

const embedding: Convert = (node, to) => {
  const [ids, segments] = node.inputs
  const tables: (Value | undefined)[] = []
  for (const at of [0, 1, 2, 3, 4]) {
    const codes = node.inputs[2 + at]
    if (!codes) {
      tables.push(undefined)
      continue
    }
    const float = to.floatOf([codes, node.inputs[8 + at], node.inputs[13 + at]])
    if (typeof float === 'string') return float
    tables.push(float)
  }
  const inputs = [ids, segments, ...tables, node.inputs[7]]
  const options = { domain: 'com.microsoft' }
  const made = to.ops('EmbedLayerNormalization', inputs, 2, node.attributes, options)
  node.outputs.forEach((output, i) => {
    to.replace(output, made[i]!)
  })
  return true
}

export const quantizedOperators: Readonly<Record<string, Convert>> = {
  QLinearMatMul: convert({
    ...{ operands: [0, 3], result: 6, axes: [-2, -1] },
    float: (to, _, [a, b]) => to.op('MatMul', [a, b]),
  }),
  QLinearConv: convolution,
  QLinearAdd: binary('Add'),
  QLinearMul: binary('Mul'),
  QLinearSigmoid: unary('Sigmoid'),
  QLinearLeakyRelu: unary('LeakyRelu'),
  QLinearSoftmax: unary(
    'Softmax',
    (node) =>
      intOf(node, 'opset', 13) < 13 &&
      intOf(node, 'axis', -1) !== -1 &&
      'its softmax flattens axes',
  ),
  QLinearGlobalAveragePool: unary('GlobalAveragePool', lastChannels),
  QLinearAveragePool: unary('AveragePool', lastChannels),
  QLinearReduceMean: reduceMean,
  QLinearConcat: concat,
  QLinearWhere: where,
  QGemm: gemm,
  QAttention: attention,
  QEmbedLayerNormalization: embedding,
}
