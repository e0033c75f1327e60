/**
 * Integer tensors as affine functions of their own indices: `element[i, j, …] = offset + Σ step[a]·index[a]`.
 *
 * Exporters spell positions, masks and windows with Range, Unsqueeze, Expand, Mul and Add in many orders;
 * as functions of the index they are one thing. Offsets and steps are dimensions: numbers or expressions
 * over symbols.
 */

import { intOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { RewriteContext } from '../../graph/rewrite.ts'
import {
  addDims,
  type Dim,
  equalDims,
  mulDims,
  neverStretched,
  type Shape,
  subDims,
} from '../../graph/shape.ts'
import { inlineValues } from '../../graph/tensor.ts'
import type { InferredType } from '../../ops/infer/infer-row.ts'
import { constantInts } from '../constant-ints.ts'

/** `offset + Σ steps[axis]·index[axis]`; as many steps as the tensor has axes. */
export interface IndexFunction {
  readonly offset: Exclude<Dim, null>
  readonly steps: readonly Exclude<Dim, null>[]
}

type Row = (node: Node, analysis: Analysis) => IndexFunction | undefined

interface Analysis {
  readonly context: RewriteContext
  of(value: Value | undefined): IndexFunction | undefined
  shape(value: Value | undefined): Shape | undefined
}

/** How deep chains are followed: far deeper than any exporter's, and no hostile one overflows. */
const MAX_DEPTH = 64

/** The function of an integer tensor; undefined when it is none that is affine. */
export function indexFunction(value: Value, context: RewriteContext): IndexFunction | undefined {
  return analyse(value, context, new Map(), 0)
}

type Found = Map<Value, IndexFunction | undefined>

/** Each value once: chains share their parts. */
function analyse(value: Value, context: RewriteContext, found: Found, depth: number) {
  if (found.has(value)) return found.get(value)
  const result = depth > MAX_DEPTH ? undefined : functionOf(value, context, found, depth)
  found.set(value, result)
  return result
}

function functionOf(
  value: Value,
  context: RewriteContext,
  memo: Found,
  depth: number,
): IndexFunction | undefined {
  const type = context.typeOf(value) as InferredType | undefined
  const rank = type?.shape?.length
  if (rank === undefined) return undefined
  const [only] = type?.known ?? []
  if (type?.known?.length === 1 && only !== undefined) return constant(only, rank)
  const weight = context.weight(value)
  if (weight) return progression(weight.tensor.shape, inlineValues(weight.tensor))
  const node = context.producer(value)
  if (node?.domain !== '' || node.outputs[0] !== value) return undefined
  const row = Object.hasOwn(rows, node.op) ? rows[node.op] : undefined
  const found = row?.(node, {
    context,
    of: (input) => input && analyse(input, context, memo, depth + 1),
    shape: (input) => input && context.typeOf(input)?.shape,
  })
  if (!found) return undefined
  // along an axis of one element nothing changes
  const steps = found.steps.map((step, axis) => (type?.shape?.[axis] === 1 ? 0 : step))
  return { offset: found.offset, steps }
}

const constant = (offset: Exclude<Dim, null>, rank: number): IndexFunction => ({
  offset,
  steps: new Array(rank).fill(0),
})

/** An arithmetic progression along the last axis, such as a stored `[[0, 1, 2, …]]`. */
function progression(
  shape: readonly number[],
  values: ArrayLike<number | bigint | boolean> | undefined,
): IndexFunction | undefined {
  const length = shape.at(-1) ?? 0
  if (!values || length < 2 || values.length !== length) return undefined
  const first = Number(values[0])
  const step = Number(values[1]) - first
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(step)) return undefined
  for (let i = 2; i < length; i++) {
    if (Number(values[i]) !== first + i * step) return undefined
  }
  return { offset: first, steps: [...new Array(shape.length - 1).fill(0), step] }
}

const rows: Readonly<Record<string, Row>> = {
  Range: ({ inputs: [start, , delta] }, { of }) => {
    const [from, by] = [of(start), of(delta)]
    return from && by && { offset: from.offset, steps: [by.offset] }
  },
  Unsqueeze: (node, { of, shape, context }) => {
    const inner = of(node.inputs[0])
    const rank = shape(node.outputs[0])?.length
    const axes = axesOf(node, context, rank)
    if (!inner || !axes || rank === undefined) return undefined
    const rest = [...inner.steps]
    const steps = Array.from({ length: rank }, (_, axis) =>
      axes.includes(axis) ? 0 : rest.shift()!,
    )
    return { offset: inner.offset, steps }
  },
  Squeeze: (node, { of, shape, context }) => {
    const inner = of(node.inputs[0])
    const from = shape(node.inputs[0])
    const axes =
      axesOf(node, context, from?.length) ??
      (node.inputs[1] ? undefined : from?.flatMap((dim, axis) => (dim === 1 ? [axis] : [])))
    if (!inner || !axes) return undefined
    return { offset: inner.offset, steps: inner.steps.filter((_, axis) => !axes.includes(axis)) }
  },
  // ones come and go; the other axes stay in order
  Reshape: (node, { of, shape }) => {
    const inner = of(node.inputs[0])
    const [from, to] = [shape(node.inputs[0]), shape(node.outputs[0])]
    if (!inner || !from || !to) return undefined
    const kept = from.flatMap((dim, axis) => (dim === 1 ? [] : [{ dim, step: inner.steps[axis]! }]))
    const steps: IndexFunction['steps'][number][] = []
    for (const dim of to) {
      if (dim === 1) steps.push(0)
      else {
        const next = kept.shift()
        if (!next || equalDims(next.dim, dim) !== true) return undefined
        steps.push(next.step)
      }
    }
    return kept.length === 0 ? { offset: inner.offset, steps } : undefined
  },
  Expand: (node, analysis) => {
    const inner = analysis.of(node.inputs[0])
    const rank = analysis.shape(node.outputs[0])?.length
    if (!inner || rank === undefined || !movesAlike(node, analysis)) return undefined
    return aligned(inner, rank)
  },
  Transpose: (node, { of }) => {
    const inner = of(node.inputs[0])
    const perm = node.attributes.perm
    const order = perm?.type === 'ints' ? perm.value.map(Number) : undefined
    return inner && order && { offset: inner.offset, steps: order.map((a) => inner.steps[a]!) }
  },
  Slice: (node, { of, shape, context }) => {
    const [data, start, , axes, by] = node.inputs
    const inner = of(data)
    const rank = shape(data)?.length
    const [from, axis, step] = [start, axes, by].map(
      (input) => input && constantInts(input, context),
    )
    if (!inner || rank === undefined || !from || from.length !== 1 || from[0]! < 0) return undefined
    const at = axes ? (axis?.length === 1 ? axis[0]! : undefined) : 0
    if (at === undefined || (by && step?.[0] !== 1)) return undefined
    const moved = inner.steps[at < 0 ? at + rank : at]!
    return plus({ offset: mulDims(moved, from[0]!), steps: inner.steps }, inner.offset)
  },
  Cast: (node, { of, shape, context }) => {
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.dtype
    const from = node.inputs[0] && context.typeOf(node.inputs[0])?.dtype
    const isWhole = to === 'int64' || to === 'int32'
    // half floats count to 2,048 only
    const isExact = from === 'int64' || from === 'int32' || from === 'float32'
    return isWhole && isExact && shape(node.inputs[0]) ? of(node.inputs[0]) : undefined
  },
  Identity: (node, { of }) => of(node.inputs[0]),
  Add: (node, analysis) => both(node, analysis, addDims),
  Sub: (node, analysis) => both(node, analysis, subDims),
  Mul: (node, analysis) => {
    const [a, b] = node.inputs.map((input) => analysis.of(input))
    const rank = analysis.shape(node.outputs[0])?.length
    if (!a || !b || rank === undefined || !movesAlike(node, analysis)) return undefined
    const [fixed, other] = isConstant(b) ? [b, a] : [a, b]
    if (!isConstant(fixed)) return undefined
    const scaled = aligned(other, rank)
    return clean({
      offset: mulDims(scaled.offset, fixed.offset),
      steps: scaled.steps.map((step) => mulDims(step, fixed.offset)),
    })
  },
}

const isConstant = ({ steps }: IndexFunction): boolean => steps.every((step) => step === 0)

/** The same function seen with more axes before its own. */
const aligned = (inner: IndexFunction, rank: number): IndexFunction => ({
  offset: inner.offset,
  steps: [...new Array(Math.max(0, rank - inner.steps.length)).fill(0), ...inner.steps],
})

function both(
  node: Node,
  analysis: Analysis,
  combine: (a: Dim, b: Dim) => Dim,
): IndexFunction | undefined {
  const [a, b] = node.inputs.map(analysis.of)
  const rank = analysis.shape(node.outputs[0])?.length
  if (!a || !b || rank === undefined || !movesAlike(node, analysis)) return undefined
  const [left, right] = [aligned(a, rank), aligned(b, rank)]
  return clean({
    offset: combine(left.offset, right.offset),
    steps: left.steps.map((step, axis) => combine(step, right.steps[axis]!)),
  })
}

/**
 * True when no axis along which an operand moves may be one element stretched: `[n]` against `[m]` stands
 * still where n is 1.
 */
function movesAlike(node: Node, { of, shape }: Analysis): boolean {
  const to = shape(node.outputs[0])
  const operands = node.op === 'Expand' ? node.inputs.slice(0, 1) : node.inputs
  return operands.every((input) => {
    const [from, steps] = [shape(input), of(input)?.steps]
    if (!from || !to || !steps) return false
    const shift = to.length - from.length
    return steps.every((step, axis) => step === 0 || neverStretched(from[axis]!, to[axis + shift]!))
  })
}

const plus = (found: { offset: Dim; steps: readonly Dim[] }, more: Dim) =>
  clean({ offset: addDims(found.offset, more), steps: found.steps })

/** The function when all of it is known. */
function clean({
  offset,
  steps,
}: {
  readonly offset: Dim
  readonly steps: readonly Dim[]
}): IndexFunction | undefined {
  if (offset === null || steps.includes(null)) return undefined
  return { offset, steps: steps as readonly Exclude<Dim, null>[] }
}

function axesOf(
  node: Node,
  context: RewriteContext,
  rank: number | undefined,
): number[] | undefined {
  const list = node.inputs[1] && constantInts(node.inputs[1], context)
  return rank === undefined ? undefined : list?.map((axis) => (axis < 0 ? axis + rank : axis))
}

/** What two index functions of tensors broadcast to `rank` axes differ by: `a − b`. */
export function difference(
  a: IndexFunction,
  b: IndexFunction,
  rank: number,
): IndexFunction | undefined {
  const [left, right] = [aligned(a, rank), aligned(b, rank)]
  return clean({
    offset: subDims(left.offset, right.offset),
    steps: left.steps.map((step, axis) => subDims(step, right.steps[axis]!)),
  })
}

/** The axis along which Gather reads. */
export const gatherAxis = (node: Node): number => intOf(node, 'axis', 0)
