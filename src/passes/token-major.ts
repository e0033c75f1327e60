/**
 * Token-major: between attentions every activation is `[tokens, width]`.
 *
 * Lowered linear layers stand between a flattening and an unflattening Reshape. These rules move the
 * unflattening down through everything that works on the last axis alone, until it meets the next
 * flattening and both vanish. Needs symbolic shapes to know that nothing broadcasts.
 */

import { intOf } from '../graph/attributes.ts'
import type { Node, Value } from '../graph/graph.ts'
import { type NodeRule, opKey, type RewriteContext } from '../graph/rewrite.ts'
import { equalShapes, type Shape } from '../graph/shape.ts'
import { inlineValues } from '../graph/tensor.ts'
import { flatten } from './lower-linear.ts'

/** `Reshape(flat, shape)` whose source has rank 2 and the same last dimension. */
function unflattened(
  value: Value | undefined,
  context: RewriteContext,
): { flat: Value; shape: Value; width: number } | undefined {
  const node = value && context.producer(value)
  if (node?.op !== 'Reshape' || node.domain !== '') return undefined
  const [flat, shape] = node.inputs
  const from = flat && context.typeOf(flat)?.shape
  const to = context.typeOf(value!)?.shape
  const width = from?.at(-1)
  if (!flat || !shape || from?.length !== 2 || !to || to.length < 3) return undefined
  return typeof width === 'number' && to.at(-1) === width ? { flat, shape, width } : undefined
}

const unflattenAgain = (context: RewriteContext, flat: Value, shape: Value): Value[] => [
  context.op('Reshape', [flat, shape]),
]

/** `Reshape(Reshape(flat, …), [-1, width])` → `flat`. */
const cancelFlatten: NodeRule = {
  name: 'cancel-flatten',
  anchors: ['Reshape'],
  apply(node, context) {
    const shape = node.inputs[1] && context.weight(node.inputs[1])
    const target = shape && inlineValues(shape.tensor)
    if (target?.length !== 2) return undefined
    const source = unflattened(node.inputs[0], context)
    const [rows, width] = Array.from(target, Number)
    if (rows !== -1) return undefined
    if (source && width === source.width) return [source.flat]
    const producer = node.inputs[0] && context.producer(node.inputs[0])
    if (producer) {
      const found = source ? `rows of ${source.width}` : opKey(producer)
      context.miss(this.name, 2, `expected rows of ${width}, found ${found}`, node.inputs[0])
    }
    return undefined
  },
}

/** Elementwise operators of one activation (and scalars): `f(unflatten(x))` → `unflatten(f(x))`. */
const throughUnary: NodeRule = {
  name: 'flatten-unary',
  anchors: ['Gelu', 'Tanh', 'Relu', 'Sigmoid', 'Erf', 'Sqrt', 'Exp', 'Neg', 'Identity', 'Cast'],
  apply(node, context) {
    const source = unflattened(node.inputs[0], context)
    if (!source) return undefined
    return unflattenAgain(context, copyOf(node, context, [source.flat]), source.shape)
  },
}

/** `Add(unflatten(a), b)` with equal shapes, or with a scalar or a row vector. */
const throughBinary: NodeRule = {
  name: 'flatten-binary',
  anchors: ['Add', 'Sub', 'Mul', 'Div'],
  apply(node, context) {
    const sources = node.inputs.map((input) => unflattened(input, context))
    const source = sources.find((found) => found !== undefined)
    const first = node.inputs[sources.indexOf(source)]
    if (!source || !first) return undefined
    const inputs = node.inputs.map((input, i) => {
      const found = sources[i]
      if (found)
        return equalShapes(shapeOf(input, context), shapeOf(first, context))
          ? found.flat
          : undefined
      const shape = shapeOf(input, context)
      const isRow =
        shape &&
        shape.length <= 1 &&
        (shape.length === 0 || shape[0] === 1 || shape[0] === source.width)
      if (isRow) return input
      return equalShapes(shape, shapeOf(first, context))
        ? flatten(context, input!, source.width)
        : undefined
    })
    const bad = inputs.indexOf(undefined)
    if (bad >= 0) {
      const reason = 'is neither a row nor of the shape of the other operand'
      context.miss(this.name, 2, reason, node.inputs[bad])
      return undefined
    }
    return unflattenAgain(context, copyOf(node, context, inputs), source.shape)
  },
}

/** `LayerNormalization(unflatten(x))` over the last axis, its scale and bias row vectors. */
const throughNorm: NodeRule = {
  name: 'flatten-norm',
  anchors: ['LayerNormalization', 'RMSNormalization'],
  apply(node, context) {
    const source = unflattened(node.inputs[0], context)
    const rank = shapeOf(node.inputs[0], context)?.length
    const axis = intOf(node, 'axis', -1)
    if (!source) return undefined
    const rows = node.inputs.slice(1)
    const bad = rows.find((row) => row && shapeOf(row, context)?.length !== 1)
    const overLast = axis === -1 || axis === (rank ?? 0) - 1
    if (node.outputs.length > 1 || !overLast || bad) {
      const reason = bad ? 'is not a row' : overLast ? 'has a second output' : 'is over more axes'
      context.miss(this.name, 2, reason, bad ?? node.outputs[0])
      return undefined
    }
    const inputs = [source.flat, ...rows]
    const flat = context.op(node.op, inputs, {
      ...node.attributes,
      axis: { type: 'int', value: -1 },
    })
    return unflattenAgain(context, flat, source.shape)
  },
}

const shapeOf = (value: Value | undefined, context: RewriteContext): Shape | undefined =>
  value && context.typeOf(value)?.shape

const copyOf = (node: Node, context: RewriteContext, inputs: (Value | undefined)[]): Value =>
  context.op(node.op, inputs, node.attributes, {
    domain: node.domain,
    quantization: node.quantization,
  })

export const tokenMajorRules: readonly NodeRule[] = [
  cancelFlatten,
  throughUnary,
  throughBinary,
  throughNorm,
]
