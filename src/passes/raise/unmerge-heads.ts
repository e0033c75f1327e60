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
import { type Dim, equalDims, mulDims } from '../../graph/shape.ts'
import { int64Tensor } from '../../graph/tensor.ts'

const shapeOf = (value: Value | undefined, context: RewriteContext) =>
  value && context.typeOf(value)?.shape

/** Heads kept apart: a value of four axes. */
interface Apart {
  readonly value: Value
  readonly batch: Dim
  readonly heads: Dim
  /** How often what is the same for every text (a batch of 1) was repeated, as Tile has it. */
  readonly repeats: Value | undefined
}

/** `[B, H, n, d]` of a value that is its `[B·H, n, d]`. */
function apart(value: Value | undefined, context: RewriteContext): Apart | undefined {
  const node = value && context.producer(value)
  const to = shapeOf(value, context)
  const [source, repeats] = node?.inputs ?? []
  const from = shapeOf(source, context)
  if (node?.domain !== '' || !source || !from || to?.length !== 3) return undefined
  if (node.op === 'Reshape' && from.length === 4) {
    const fits = [mulDims(from[0]!, from[1]!), from[2]!, from[3]!].every(
      (dim, i) => equalDims(dim, to[i]!) === true,
    )
    return fits
      ? { value: source, batch: from[0]!, heads: from[1]!, repeats: undefined }
      : undefined
  }
  // heads of one text, repeated for every text
  if (node.op !== 'Tile' || from.length !== 3) return undefined
  const kept = [1, 2].every((i) => equalDims(from[i]!, to[i]!) === true)
  if (!kept || typeof from[0] !== 'number') return undefined
  const axes = context.constant(int64Tensor([0]), 'axes')
  return { value: context.op('Unsqueeze', [source, axes]), batch: 1, heads: from[0], repeats }
}

/** `[B, H, n, d]` → `[B·H, n, d]`. */
function merged(context: RewriteContext, x: Value): Value {
  const rest = context.op('Shape', [x], { start: int(2), end: int(4) })
  const all = context.constant(int64Tensor([-1]), 'heads')
  return context.op('Reshape', [x, context.op('Concat', [all, rest], { axis: int(0) })])
}

/** `[1, H, n, d]` → `[B·H, n, d]`, repeated after the operator instead of before it. */
function repeated(context: RewriteContext, x: Value, repeats: Value): Value {
  const one = context.op('Squeeze', [x, context.constant(int64Tensor([0]), 'axes')])
  return context.op('Tile', [one, repeats])
}

/** True when the heads of both are of equal number, and one of them has the batch. */
const together = (a: Apart, b: Apart): boolean =>
  equalDims(a.heads, b.heads) === true && (a.repeats === undefined || b.repeats === undefined)

/** The operator on heads that are apart, and how often its result is still to be repeated. */
interface Moved {
  readonly value: Value
  readonly repeats?: Value | undefined
}
type Move = (node: Node, context: RewriteContext) => Moved | undefined

/** Operators of two operands that broadcast over the leading axes. */
const pairwise: Move = (node, context) => {
  const parts = node.inputs.map((input) => apart(input, context))
  const [a, b] = parts
  if (a && b) {
    return together(a, b) ? { value: context.op(node.op, [a.value, b.value]) } : undefined
  }
  const only = a ?? b
  if (node.op === 'MatMul' || !only) return undefined
  const inputs = node.inputs.map((input, i) => {
    const number = input && scalarOf(context.weight(input)?.tensor)
    return parts[i]?.value ?? (number === undefined ? undefined : input)
  })
  if (inputs.includes(undefined)) return undefined
  return { value: context.op(node.op, inputs), repeats: only.repeats }
}

/** One operand. */
const alone = (x: Apart, value: Value): Moved => ({ value, repeats: x.repeats })

const moves: Readonly<Record<string, Move>> = {
  MatMul: pairwise,
  Add: pairwise,
  Sub: pairwise,
  Mul: pairwise,
  Div: pairwise,
  Transpose: (node, context) => {
    const x = apart(node.inputs[0], context)
    if (!x || intsOf(node, 'perm')?.join() !== '0,2,1') return undefined
    return alone(x, context.op('Transpose', [x.value], { perm: ints([0, 1, 3, 2]) }))
  },
  Softmax: (node, context) => {
    const x = apart(node.inputs[0], context)
    if (!x || ![-1, 2].includes(intOf(node, 'axis', -1))) return undefined
    return alone(x, context.op('Softmax', [x.value], { axis: int(-1) }))
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
    if (!whole || x.repeats) return undefined
    const sizes = [
      context.op('Shape', [x.value], { start: int(0), end: int(2) }),
      context.op('Shape', [indices], { start: int(-2) }),
    ]
    const shape = context.op('Concat', sizes, { axis: int(0) })
    const spread = context.op('Expand', [indices, shape])
    return { value: context.op('GatherElements', [x.value, spread], { axis: int(-1) }) }
  },
}

/** Moves merging down through one operator. */
export const unmergeHeads: NodeRule = {
  name: 'unmerge-heads',
  anchors: Object.keys(moves),
  apply(node, context) {
    if (shapeOf(node.outputs[0], context)?.length !== 3) return undefined
    const moved = moves[node.op]!(node, context)
    if (!moved) return undefined
    const { value, repeats } = moved
    return [repeats ? repeated(context, value, repeats) : merged(context, value)]
  },
}
