/**
 * Only the rows that a loss reads: a masked language model is asked for one token in seven, and its decoder is
 * larger than all its layers together.
 *
 * A lookup of rows is moved up against the flow of `[tokens, width]`, through everything that treats rows apart:
 * decoder and head, then the feed-forward and the projection of the last layer.
 */
import { intOf } from '../graph/attributes.ts'
import type { Graph, Node, Value } from '../graph/graph.ts'
import { type NodeRule, opKey, type RewriteContext, rewrite } from '../graph/rewrite.ts'
import { equalShapes } from '../graph/shape.ts'
import { knowTypes } from '../ops/infer-types.ts'
import { mergeCommon } from '../passes/merge-common.ts'
import type { Pass } from '../passes/pass.ts'

/** Inputs whose rows are read in the place of the output's; undefined where rows are not apart. */
type Rows = (node: Node, context: RewriteContext) => readonly number[] | undefined

const shapeOf = (value: Value | undefined, context: RewriteContext) =>
  value && context.typeOf(value)?.shape

/** Operands of the result's shape; others must be one row, or a scalar. */
const elementwise: Rows = (node, context) => {
  const whole = shapeOf(node.outputs[0], context)
  const rows = node.inputs.map((input) => {
    const shape = shapeOf(input, context)
    if (shape && shape.length < 2) return false
    return equalShapes(shape, whole) ? true : undefined
  })
  if (rows.includes(undefined)) return undefined
  return rows.flatMap((row, i) => (row ? [i] : []))
}

/** The first input alone; the others are rows of the last axis. */
const first: Rows = (node, context) => {
  const others = node.inputs.slice(1)
  const plain = others.every((input) => !input || (shapeOf(input, context)?.length ?? 2) < 2)
  return plain && node.outputs.length === 1 ? [0] : undefined
}

const rowsTable: Readonly<Record<string, Rows>> = {
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Div', 'Gelu', 'Tanh', 'Relu', 'Sigmoid'].map((op) => [op, elementwise]),
  ),
  LayerNormalization: (node, context) =>
    [-1, 1].includes(intOf(node, 'axis', -1)) ? first(node, context) : undefined,
  // rows of the product are rows of its left factor
  Gemm: (node, context) => {
    const bias = shapeOf(node.inputs[2], context)
    const plain = intOf(node, 'transA', 0) === 0 && (bias?.length ?? 1) < 2
    return plain ? [0] : undefined
  },
}

/** `Gather(f(x, …), rows)` → `f(Gather(x, rows), …)`, where nothing else reads the whole of f. */
const readRowsEarlier: NodeRule = {
  name: 'narrow-rows',
  anchors: ['Gather'],
  apply(node, context) {
    const [whole, ids] = node.inputs
    const producer = whole && context.producer(whole)
    const rowsOf = producer && rowsTable[opKey(producer)]
    const ranks = [whole, ids].map((value) => shapeOf(value, context)?.length)
    if (!rowsOf || ranks.join() !== '2,1' || intOf(node, 'axis', 0) !== 0) return undefined
    if (context.uses(whole) > 1) {
      context.miss(this.name, 2, 'is read elsewhere, whole', whole)
      return undefined
    }
    const rows = rowsOf(producer, context)
    if (!rows || rows.length === 0) return undefined
    const inputs = producer.inputs.map((input, i) =>
      input && rows.includes(i) ? context.op('Gather', [input, ids], node.attributes) : input,
    )
    const { op, attributes, domain, origin } = producer
    return [context.op(op, inputs, attributes, { domain, origin })]
  },
}

/** Narrows to a fixed point; readers of one value become one reader as they are merged. */
export const narrowRows: Pass = {
  name: 'narrow-rows',
  summary: 'Computes in the last layer and the head only the rows that the loss reads.',
  apply(graph, trace) {
    let current: Graph = graph
    for (;;) {
      const next = rewrite(current, [readRowsEarlier], { trace, know: knowTypes })
      if (next === current) return current
      current = mergeCommon.apply(next)
    }
  },
}
