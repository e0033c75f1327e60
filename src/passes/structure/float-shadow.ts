/**
 * The float32 model that a quantized or half-float graph stands for, as far as structure goes: integer products
 * become the linear layers they were made from, and values keep their identity, so that what is found in the
 * shadow is found in the graph itself. Weights of integer codes are stand-ins that have a shape and no numbers:
 * nothing is read, and no float is right. To compute with, `passes/dequantize` writes the floats.
 */
import { int, intOf, ints } from '../../graph/attributes.ts'
import type { Graph, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { casted, derive } from '../../graph/tensor.ts'
import type { Pass } from '../pass.ts'
import { rulePass } from '../rule-pass.ts'

const MICROSOFT = 'com.microsoft'
/** Domain of products on their way: `Integer` lacks its scale, `Scaled` may have one more (a row's own). */
const SHADOW = 'limbeck.shadow'
const FLOAT = 1

const isFloat = (dtype: string | undefined): boolean => dtype?.includes('float') ?? false

/** The value that these codes stand for. */
function original(codes: Value | undefined, context: RewriteContext): Value | undefined {
  const node = codes && context.producer(codes)
  const quantizes = node?.op === 'QuantizeLinear' || node?.op === 'DynamicQuantizeLinear'
  return quantizes && node.outputs[0] === codes ? node.inputs[0] : undefined
}

/** A parameter `[rows, columns]` that nobody can read. */
function standIn(context: RewriteContext, of: Value, shape: readonly number[]): Value {
  const name = of.name.replace(/_(quantized|Q\d|scales?)$/, '')
  const tensor = derive('stand-in', [], 'float32', shape)
  return context.addWeight({ tensor, parameter: { name } }, name)
}

/** Whether numbers follow from weights and ranges alone: what scales a product back. */
function isScale(value: Value, context: RewriteContext): boolean {
  if (context.weight(value)) return true
  const node = context.producer(value)
  if (!node) return false
  if (node.op === 'DynamicQuantizeLinear' || node.op === 'ReduceMax') return true
  return scaling.has(node.op) && node.inputs.every((input) => !input || isScale(input, context))
}
const scaling: ReadonlySet<string> = new Set(['Mul', 'Div', 'Max', 'Unsqueeze', 'Reshape', 'Cast'])

/** `x · W` with W `[in, out]`. */
function product(context: RewriteContext, x: Value, weight: Value): Value | undefined {
  const shape = context.weight(weight)?.tensor.shape
  if (shape?.length !== 2) return undefined
  return context.op('MatMul', [x, standIn(context, weight, shape)])
}

const withBias = (context: RewriteContext, y: Value, bias: Value | undefined): Value =>
  bias ? context.op('Add', [y, bias]) : y

/** `Cast(MatMulInteger(codes, W))` → a product that lacks its scale. */
const integerProduct: NodeRule = {
  name: 'shadow-integer-product',
  anchors: ['Cast'],
  apply(node, context) {
    const from = node.inputs[0] && context.producer(node.inputs[0])
    if (from?.op !== 'MatMulInteger') return undefined
    const [codes, weight] = from.inputs
    const x = original(codes, context)
    if (!x || !weight || context.weight(weight)?.tensor.shape.length !== 2) return undefined
    return [context.op('Integer', [x, weight], {}, { domain: SHADOW })]
  },
}

/** A product times its scale is the product. */
const scaledProduct: NodeRule = {
  name: 'shadow-scaled-product',
  anchors: ['Mul'],
  apply(node, context) {
    const [left, right] = node.inputs
    for (const [product, scale] of [
      [left, right],
      [right, left],
    ]) {
      const from = product && context.producer(product)
      if (from?.domain !== SHADOW || !scale || !isScale(scale, context)) continue
      // a weight scales a product once; what follows that is the model's own
      if (from.op === 'Scaled' && context.weight(scale)) continue
      return [context.op('Scaled', from.inputs, {}, { domain: SHADOW })]
    }
    return undefined
  },
}

/** ONNX Runtime's fused product; a constant scale may stand for another that comes later. */
const integerToFloat: NodeRule = {
  name: 'shadow-integer-to-float',
  anchors: [`${MICROSOFT}::MatMulIntegerToFloat`],
  apply(node, context) {
    const [codes, weight, scale, , , , bias] = node.inputs
    const x = original(codes, context)
    if (!x || !weight || !scale) return undefined
    if (!bias && context.weight(scale)) {
      return [context.op('Scaled', [x, weight], {}, { domain: SHADOW })]
    }
    const y = product(context, x, weight)
    return y && [withBias(context, y, bias)]
  },
}

const dynamicProduct: NodeRule = {
  name: 'shadow-dynamic-product',
  anchors: [`${MICROSOFT}::DynamicQuantizeMatMul`],
  apply(node, context) {
    const [x, weight, , , bias] = node.inputs
    const y = x && weight && product(context, x, weight)
    return y && [withBias(context, y, bias)]
  },
}

const blockProduct: NodeRule = {
  name: 'shadow-block-product',
  anchors: [`${MICROSOFT}::MatMulNBits`],
  apply(node, context) {
    const [x, codes, , , , bias] = node.inputs
    if (!x || !codes) return undefined
    const weight = standIn(context, codes, [intOf(node, 'N', 0), intOf(node, 'K', 0)])
    const turned = context.op('Transpose', [weight], { perm: ints([1, 0]) })
    return [withBias(context, context.op('MatMul', [x, turned]), bias)]
  },
}

/** Tables: codes and scales looked up in one operator, or each by itself. */
const blockTable: NodeRule = {
  name: 'shadow-block-table',
  anchors: [`${MICROSOFT}::GatherBlockQuantized`],
  apply(node, context) {
    const [codes, ids] = node.inputs
    const weight = codes && context.weight(codes)?.tensor
    if (!codes || !ids || !weight || intOf(node, 'gather_axis', 0) !== 0) return undefined
    const [rows = 0, bytes = 0] = weight.shape
    const packed = weight.dtype === 'uint8' ? 8 / intOf(node, 'bits', 4) : 1
    return [context.op('Gather', [standIn(context, codes, [rows, bytes * packed]), ids])]
  },
}

const scaledTable: NodeRule = {
  name: 'shadow-scaled-table',
  anchors: ['Mul'],
  apply(node, context) {
    for (const side of [0, 1]) {
      const [rows, scales] = [node.inputs[side], node.inputs[1 - side]]
      const cast = rows && context.producer(rows)
      const gather = cast?.op === 'Cast' ? context.producer(cast.inputs[0]!) : undefined
      const scaleGather = scales && context.producer(scales)
      if (gather?.op !== 'Gather' || scaleGather?.op !== 'Gather') continue
      const [codes, ids] = gather.inputs
      const shape = codes && context.weight(codes)?.tensor.shape
      if (!shape || !ids || scaleGather.inputs[1] !== ids) continue
      return [context.op('Gather', [standIn(context, codes, shape), ids])]
    }
    return undefined
  },
}

/** What integers are turned back into floats is what they were made from. */
const dequantized: NodeRule = {
  name: 'shadow-dequantized',
  anchors: ['DequantizeLinear'],
  apply(node, context) {
    const [codes] = node.inputs
    const from = codes && context.producer(codes)
    const weight = codes && context.weight(codes)
    if (weight) return [standIn(context, codes, weight.tensor.shape)]
    const x = original(codes, context)
    if (x) return [x]
    if (from?.op === 'Gather') {
      const [table, ids] = from.inputs
      const shape = table && context.weight(table)?.tensor.shape
      return shape && [context.op('Gather', [standIn(context, table, shape), ids], from.attributes)]
    }
    if (from?.op === 'QLinearMatMul') {
      const input = original(from.inputs[0], context) ?? dequantizedInput(from.inputs, 0, context)
      const right = from.inputs[3]
      if (!input || !right) return undefined
      if (context.weight(right)) {
        const y = product(context, input, right)
        return y && [y]
      }
      const other = original(right, context) ?? dequantizedInput(from.inputs, 3, context)
      return other && [context.op('MatMul', [input, other])]
    }
    if (from?.op === 'Reshape' || from?.op === 'Transpose') {
      const [inner, ...rest] = from.inputs
      const whole = original(inner, context)
      return whole && [context.op(from.op, [whole, ...rest], from.attributes)]
    }
    return undefined
  },
}

/** Codes that another integer operator made, as floats: that operator is met there. */
function dequantizedInput(
  inputs: readonly (Value | undefined)[],
  at: number,
  context: RewriteContext,
): Value | undefined {
  const [codes, scale, zero] = inputs.slice(at, at + 3)
  return codes && scale && context.op('DequantizeLinear', [codes, scale, zero])
}

/** Between floats of any width a Cast changes nothing; what becomes a half becomes float32. */
const castFloat: NodeRule = {
  name: 'shadow-cast',
  anchors: ['Cast'],
  apply(node, context) {
    const [x] = node.inputs
    const to = intOf(node, 'to', FLOAT)
    if (!x || !floatCodes.has(to)) return undefined
    if (isFloat(context.typeOf(x)?.dtype)) return [x]
    return to === FLOAT ? undefined : [context.op('Cast', [x], { to: int(FLOAT) })]
  },
}
/** float32, float16, float64 and bfloat16. */
const floatCodes: ReadonlySet<number> = new Set([1, 10, 11, 16])

/** Sums fused with their norm, and biases with their activation, stand by themselves again. */
const fusedParts: NodeRule = {
  name: 'shadow-fused-parts',
  anchors: [`${MICROSOFT}::SkipLayerNormalization`, `${MICROSOFT}::BiasGelu`],
  apply(node, context) {
    const [x, second, scale, shift, bias] = node.inputs
    if (!x || !second) return undefined
    if (node.op === 'BiasGelu') return [context.op('Gelu', [context.op('Add', [x, second])])]
    if (!scale) return undefined
    const sum = context.op('Add', [bias ? context.op('Add', [x, bias]) : x, second])
    const norm = context.op('LayerNormalization', [sum, scale, shift], { axis: int(-1) })
    return [norm, undefined, undefined, sum]
  },
}

/** A product that found its scales. */
const plainProduct: NodeRule = {
  name: 'shadow-plain-product',
  anchors: [`${SHADOW}::Integer`, `${SHADOW}::Scaled`],
  apply(node, context) {
    const y = product(context, node.inputs[0]!, node.inputs[1]!)
    return y && [y]
  },
}

/** Weights of halves as float32, read only where a constant has to be known. */
const widened = (graph: Graph): Graph => ({
  ...graph,
  weights: new Map(
    [...graph.weights].map(([value, weight]) => {
      const { dtype } = weight.tensor
      if (dtype !== 'float16' && dtype !== 'bfloat16') return [value, weight]
      return [value, { ...weight, tensor: casted(weight.tensor, 'float32') }]
    }),
  ),
})

/** The passes to the shadow; a float32 graph is left as it is. */
export const floatShadow: readonly Pass[] = [
  { name: 'shadow-halves', summary: 'Takes halves for floats.', apply: widened },
  rulePass('shadow-integers', 'Writes integer products as the linear layers they were.', [
    integerProduct,
    scaledProduct,
    integerToFloat,
    dynamicProduct,
    blockProduct,
    blockTable,
    scaledTable,
    dequantized,
    castFloat,
    fusedParts,
  ]),
  rulePass('shadow-products', 'Gives the products their weights.', [plainProduct]),
]
