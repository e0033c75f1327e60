/**
 * Heads kept apart: `[batch·heads, tokens, size]`, as batched products were written before they broadcast, back
 * to `[batch, heads, tokens, size]`.
 *
 * A Reshape that merges batch and heads moves down through what works on the last two axes alone, until it
 * meets the one that splits them again, and both vanish. What is the same for every text of a batch (Tile)
 * keeps a batch of 1.
 */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims, mulDims } from '../../graph/shape.ts'
import { int64Tensor } from '../../graph/tensor.ts'

const shapeOf = (value: Value | undefined, context: RewriteContext) =>
  value && context.typeOf(value)?.shape

/** `[B, H, n, d]` of a value that is its `[B·H, n, d]`. */
function apart(value: Value | undefined, context: RewriteContext): Value | undefined {
  const node = value && context.producer(value)
  const to = shapeOf(value, context)
  const [source] = node?.inputs ?? []
  const from = shapeOf(source, context)
  if (node?.domain !== '' || !source || !from || to?.length !== 3) return undefined
  if (node.op === 'Reshape' && from.length === 4) {
    const fits = [mulDims(from[0]!, from[1]!), from[2]!, from[3]!].every(
      (dim, i) => equalDims(dim, to[i]!) === true,
    )
    return fits ? source : undefined
  }
  // heads of one text, repeated for every text
  if (node.op !== 'Tile' || from.length !== 3) return undefined
  const kept = [1, 2].every((i) => equalDims(from[i]!, to[i]!) === true)
  return kept && typeof from[0] === 'number' ? unsqueezed(context, source) : undefined
}

const unsqueezed = (context: RewriteContext, x: Value): Value =>
  context.op('Unsqueeze', [x, context.constant(int64Tensor([0]), 'axes')])

/** `[B, H, n, d]` → `[B·H, n, d]`. */
function merged(context: RewriteContext, x: Value): Value {
  const rest = context.op('Shape', [x], { start: int(2), end: int(4) })
  const all = context.constant(int64Tensor([-1]), 'heads')
  return context.op('Reshape', [x, context.op('Concat', [all, rest], { axis: int(0) })])
}

/** True when the heads of all are of equal number, and one of them has the batch. */
function together(values: readonly Value[], context: RewriteContext): boolean {
  const shapes = values.map((value) => shapeOf(value, context)!)
  const heads = shapes[0]![1]!
  const sameHeads = shapes.every((shape) => equalDims(shape[1]!, heads) === true)
  return sameHeads && shapes.some((shape) => shape[0] !== 1)
}

type Move = (node: Node, context: RewriteContext) => Value | undefined

/** Operators of two operands that broadcast over the leading axes. */
const pairwise: Move = (node, context) => {
  const parts = node.inputs.map((input) => apart(input, context))
  const [a, b] = parts
  if (a && b) return together([a, b], context) ? context.op(node.op, [a, b]) : undefined
  if (node.op === 'MatMul') return undefined
  const inputs = node.inputs.map((input, i) => {
    const number = input && scalarOf(context.weight(input)?.tensor)
    return parts[i] ?? (number === undefined ? undefined : input)
  })
  return inputs.includes(undefined) ? undefined : context.op(node.op, inputs)
}

const moves: Readonly<Record<string, Move>> = {
  MatMul: pairwise,
  Add: pairwise,
  Sub: pairwise,
  Mul: pairwise,
  Div: pairwise,
  Transpose: (node, context) => {
    const x = apart(node.inputs[0], context)
    const isTurn = intsOf(node, 'perm')?.join() === '0,2,1'
    return x && isTurn ? context.op('Transpose', [x], { perm: ints([0, 1, 3, 2]) }) : undefined
  },
  Softmax: (node, context) => {
    const x = apart(node.inputs[0], context)
    const isLast = [-1, 2].includes(intOf(node, 'axis', -1))
    return x && isLast ? context.op('Softmax', [x], { axis: int(-1) }) : undefined
  },
  // indices that are the same for all heads
  GatherElements: (node, context) => {
    const x = apart(node.inputs[0], context)
    const expand = node.inputs[1] && context.producer(node.inputs[1])
    const indices = expand?.op === 'Expand' && expand.domain === '' ? expand.inputs[0] : undefined
    const [from, to] = [shapeOf(indices, context), shapeOf(node.inputs[1], context)]
    const isLast = [-1, 2].includes(intOf(node, 'axis', 0))
    if (!x || !indices || !from || from.length < 2 || to?.length !== 3 || !isLast) return undefined
    const same = [-2, -1].every((i) => equalDims(from.at(i)!, to.at(i)!) === true)
    const whole = same && from.slice(0, -2).every((dim) => dim === 1)
    if (!whole || shapeOf(x, context)![0] === 1) return undefined
    const sizes = [
      context.op('Shape', [x], { start: int(0), end: int(2) }),
      context.op('Shape', [indices], { start: int(-2) }),
    ]
    const shape = context.op('Concat', sizes, { axis: int(0) })
    const spread = context.op('Expand', [indices, shape])
    return context.op('GatherElements', [x, spread], { axis: int(-1) })
  },
}

/** Moves merging down through one operator. */
export const unmergeHeads: NodeRule = {
  name: 'unmerge-heads',
  anchors: Object.keys(moves),
  apply(node, context) {
    if (shapeOf(node.outputs[0], context)?.length !== 3) return undefined
    const moved = moves[node.op]!(node, context)
    return moved && [merged(context, moved)]
  },
}
