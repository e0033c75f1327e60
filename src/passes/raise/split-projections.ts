/**
 * One projection for several things (queries, keys and values; a gate and what it gates) → the parts of one
 * Split over its last axis, as our own families write it.
 *
 * GPT-2 splits by sizes, ModernBERT stacks `[B, S, 3, H, d]` and takes indices of it, timm turns that stack
 * first, others cut `[0, w)`, `[w, 2w)`, … by Slices.
 */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims, type Shape } from '../../graph/shape.ts'
import { int64Tensor } from '../../graph/tensor.ts'
import { constantInts } from '../constant-ints.ts'
import { linksOf } from '../structure/graph-links.ts'

/** More parts than any model's projection has. */
const MOST_PARTS = 16

const shapeOf = (value: Value | undefined, context: RewriteContext): Shape | undefined =>
  value && context.typeOf(value)?.shape

const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

const producer = (value: Value | undefined, op: string, context: RewriteContext) => {
  const node = value && context.producer(value)
  return node?.op === op && node.domain === '' ? node : undefined
}

const splitLast = (context: RewriteContext, x: Value, count: number): Value[] =>
  context.ops('Split', [x], count, { axis: int(-1), num_outputs: int(count) })

/** `Split(x, [w, w, …])` over the last axis → `Split(x)` into equal parts. */
export const splitEqually: NodeRule = {
  name: 'split-equally',
  anchors: ['Split'],
  apply(node, context) {
    const [x, list] = node.inputs
    const rank = shapeOf(x, context)?.length
    const count = node.outputs.length
    const axis = intOf(node, 'axis', 0)
    if (!x || rank === undefined || rank < 2 || count < 2) return undefined
    if (fromFront(axis, rank) !== rank - 1) return undefined
    const width = shapeOf(x, context)![rank - 1]!
    const sizes = list && constantInts(list, context)
    const equal = list ? sizes?.every((size) => size === sizes[0]) : true
    if (!equal || typeof width !== 'number' || width % count !== 0) return undefined
    if (!list && axis === -1) return undefined
    return splitLast(context, x, count)
  },
}

/** All of `x` cut by Slices into equal parts of its last axis → the parts of one Split. */
export const slicesAsSplit: NodeRule = {
  name: 'slices-as-split',
  anchors: ['Slice'],
  apply(node, context) {
    const cut = cutOf(node, context)
    const [x] = node.inputs
    if (!cut || !x) return undefined
    const readers = linksOf(context.graph).readers(x)
    const cuts = readers.flatMap((reader) =>
      reader.op === 'Slice' ? [cutOf(reader, context)] : [],
    )
    const found = new Set(
      cuts.flatMap((other) => (other && other.count === cut.count ? [other.index] : [])),
    )
    if (found.size < cut.count) {
      context.miss('slices-as-split', 2, `${found.size} of ${cut.count} parts are cut`, x)
      return undefined
    }
    return [splitLast(context, x, cut.count)[cut.index]]
  },
}

interface Cut {
  readonly index: number
  readonly count: number
}

/** Which of how many equal parts of the last axis a Slice takes. */
function cutOf(node: Node, context: RewriteContext): Cut | undefined {
  const bounds = boundsOf(node, context)
  const shape = shapeOf(node.inputs[0], context)
  const width = shape?.at(-1)
  if (!bounds || !shape || bounds.axis !== shape.length - 1 || shape.length < 2) return undefined
  const size = bounds.end - bounds.start
  if (typeof width !== 'number' || size <= 0 || size === width) return undefined
  const count = width / size
  const index = bounds.start / size
  const fits = Number.isInteger(count) && Number.isInteger(index) && count <= MOST_PARTS
  return fits ? { index, count } : undefined
}

/** A Slice of one axis by steps of 1: its bounds within the axis, where they are numbers. */
function boundsOf({ inputs }: Node, context: RewriteContext) {
  const [x, ...lists] = inputs
  const [start, end, axes, steps] = lists.map((list) => list && constantInts(list, context))
  const shape = shapeOf(x, context)
  if (!shape || start?.length !== 1 || end?.length !== 1) return undefined
  if (lists[3] && steps?.join() !== '1') return undefined
  const axis = fromFront(lists[2] ? (axes?.[0] ?? Number.NaN) : 0, shape.length)
  const size = shape[axis]
  if (typeof size !== 'number') return undefined
  const clamp = (at: number) => Math.max(0, Math.min(at < 0 ? at + size : at, size))
  return { axis, start: clamp(start[0]!), end: clamp(end[0]!) }
}

/** `Reshape(x, [B, S, 3, H, d])`, perhaps turned, of which one of the three is taken → a part of one Split. */
export const unstackProjection: NodeRule = {
  name: 'unstack-projection',
  anchors: ['Gather', 'Squeeze', 'Reshape'],
  apply(node, context) {
    const taken = takenFrom(node, context)
    const turn = taken && producer(taken.stack, 'Transpose', context)
    const perm = turn && intsOf(turn, 'perm')
    if (!taken || (turn && !perm)) return undefined
    const axis = perm ? perm[taken.axis]! : taken.axis
    const stack = producer(turn ? turn.inputs[0] : taken.stack, 'Reshape', context)
    const x = stack?.inputs[0]
    const [from, to] = [shapeOf(x, context), shapeOf(stack?.outputs[0], context)]
    if (!x || !from || !to || from.length < 2) return undefined
    const lead = from.length - 1
    const [count, ...rest] = to.slice(lead)
    const sizes = rest.filter((dim) => typeof dim === 'number')
    const keeps = from.slice(0, lead).every((dim, i) => equalDims(dim, to[i]!) === true)
    if (typeof count !== 'number' || sizes.length < rest.length || axis !== lead || !keeps) {
      return undefined
    }
    const width = sizes.reduce((product, size) => product * size, 1)
    const whole = from[lead] === count * width
    if (!whole || count < 2 || count > MOST_PARTS || taken.index >= count) return undefined
    const part = splitLast(context, x, count)[taken.index]!
    const shape = context.constant(int64Tensor([...new Array(lead).fill(0), ...sizes]), 'heads')
    const heads = context.op('Reshape', [part, shape])
    if (!perm) return [heads]
    const order = perm
      .filter((from) => from !== axis)
      .map((from) => (from > axis ? from - 1 : from))
    return [context.op('Transpose', [heads], { perm: ints(order) })]
  },
}

interface Taken {
  readonly stack: Value
  readonly axis: number
  readonly index: number
}

/** One index of an axis, and the axis gone: by Gather, or by Squeeze of a Slice or of a part of a Split. */
function takenFrom(node: Node, context: RewriteContext): Taken | undefined {
  const [x, index] = node.inputs
  if (node.op === 'Gather') {
    const at = index && context.weight(index)?.tensor.shape.length === 0
    const [place] = (at && constantInts(index, context)) || []
    const rank = shapeOf(x, context)?.length
    if (!x || place === undefined || place < 0 || rank === undefined) return undefined
    return { stack: x, axis: fromFront(intOf(node, 'axis', 0), rank), index: place }
  }
  const part = x && context.producer(x)
  const stack = part?.inputs[0]
  const found = part?.domain === '' && stack ? oneOf(part, x!, context) : undefined
  const [from, to] = [shapeOf(x, context), shapeOf(node.outputs[0], context)]
  if (!found || !stack || !from || to?.length !== from.length - 1) return undefined
  const gone = from.filter((_, axis) => axis !== found.axis)
  const fits = from[found.axis] === 1 && gone.every((dim, i) => equalDims(dim, to[i]!) === true)
  return fits ? { stack, ...found } : undefined
}

/** Axis and index of a Slice or a part of a Split that is one long. */
function oneOf(part: Node, value: Value, context: RewriteContext) {
  if (part.op === 'Slice') {
    const bounds = boundsOf(part, context)
    const one = bounds && bounds.end === bounds.start + 1
    return one ? { axis: bounds.axis, index: bounds.start } : undefined
  }
  const rank = shapeOf(value, context)?.length
  const parts = part.outputs.map((output) => output && context.typeOf(output)?.shape)
  if (part.op !== 'Split' || rank === undefined) return undefined
  const axis = fromFront(intOf(part, 'axis', 0), rank)
  const ones = parts.every((shape) => shape?.[axis] === 1)
  return ones ? { axis, index: part.outputs.indexOf(value) } : undefined
}
