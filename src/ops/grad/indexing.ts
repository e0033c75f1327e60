/**
 * Gradients of operators that take elements by index.
 *
 * Indices may repeat, and ONNX Runtime's ScatterND(add) loses additions between threads (its CPU kernel
 * adds without a guard). So rows are first summed by index with a matrix product, which is exact and
 * deterministic, and then each sum is written once.
 */
import { int, intOf, stringOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import { float32Tensor } from '../../graph/tensor.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import {
  type GradEntry,
  type GradRow,
  gradientError,
  nonDifferentiable,
  stops,
} from './grad-row.ts'

/** Tables of at most this many rows are summed by a one-hot matrix: no scatter at all. */
const SMALL_TABLE = 1024

/** Σ of the rows `[T, W]` that have the same index `[T]`, as a table `[rows, W]`. */
function sumRows(g: GradBuilder, ids: Value, rows: Value, size: Value, known: unknown): Value {
  if (typeof known === 'number' && known <= SMALL_TABLE) {
    // dX = OneHot(ids)ᵀ · dY
    const values = g.castLike(g.constant(float32Tensor([0, 1]), 'off_on'), rows)
    const hot = g.op('OneHot', [ids, g.int64s(known), values])
    return g.matmul(hot, rows, true, false)
  }
  // M[u, t] = (idₜ = the uth distinct id): row u of M·dY is the sum of all rows with it
  const wide = g.castLike(ids, size)
  const positive = g.where(g.less(wide, g.int64s(0)), g.op('Add', [wide, size]), wide)
  const distinct = g.unsqueeze(g.op('Unique', [positive]), 1)
  const sums = g.matmul(g.castLike(g.equal(distinct, g.unsqueeze(positive, 0)), rows), rows)
  const zeros = g.zeros(g.concat([size, g.sizeOf(rows, 1)], 0), rows)
  return g.op('ScatterND', [zeros, distinct, sums])
}

/** Indexed axes in front: dY [before, ids, after] → rows [T, before·after] → summed → before, axis, after */
const gather: GradRow = ({ g, node, inputs, dy }) => {
  const [x, ids] = inputs as [Value, Value]
  const axis = g.axis(x, intOf(node, 'axis', 0))
  const idRank = g.rank(ids)
  const one = idRank === 0 || g.shape(ids)[0] === 1 ? g.numberOf(ids) : undefined
  if (one !== undefined && one >= 0 && idRank < 2) {
    return [onePosition(g, x, idRank === 0 ? g.unsqueeze(dy, axis) : dy, axis, one)]
  }
  const rank = g.rank(dy)
  const order = [...Array(rank).keys()]
  const indexed = order.slice(axis, axis + idRank)
  const rest = order.filter((i) => !indexed.includes(i))
  const front = g.transpose(dy, [...indexed, ...rest])
  const rows = idRank === 1 && rank === 2 ? front : g.op('Flatten', [front], { axis: int(idRank) })
  const table = sumRows(g, g.reshape(ids, -1), rows, g.sizeOf(x, axis), g.shape(x)[axis])
  if (axis === 0) return [g.rank(x) === 2 ? table : g.reshapeLike(table, x)]
  const others = [...Array(g.rank(x)).keys()].filter((i) => i !== axis)
  const shape = g.concat(
    [axis, ...others].map((i) => g.sizeOf(x, i)),
    0,
  )
  const back = [...Array(g.rank(x)).keys()].map((i) => (i === axis ? 0 : 1 + others.indexOf(i)))
  return [g.transpose(g.op('Reshape', [table, shape]), back)]
}

/** One position of an axis, which dY has with size 1: zeros on both sides. */
function onePosition(g: GradBuilder, x: Value, dy: Value, axis: number, at: number): Value {
  const size = g.shape(x)[axis]
  const after =
    typeof size === 'number'
      ? g.int64s(size - at - 1)
      : g.op('Sub', [g.sizeOf(x, axis), g.int64s(at + 1)])
  const pads = g.concat([g.int64s(at), after], 0)
  return g.op('Pad', [dy, pads, undefined, g.int64s(axis)])
}

/** Flat index of the slices that the last axis of the indices names: Horner over the sizes. */
function flatIndices(g: GradBuilder, x: Value, indices: Value, depth: number): Value {
  const parts =
    depth === 1
      ? [indices]
      : g.ops('Split', [indices], depth, { axis: int(-1), num_outputs: int(depth) })
  const positive = parts.map((part, k) =>
    g.where(g.less(part, g.int64s(0)), g.op('Add', [part, g.sizeOf(x, k)]), part),
  )
  const flat = positive.reduce((sum, part, k) =>
    g.op('Add', [g.op('Mul', [sum, g.sizeOf(x, k)]), part]),
  )
  return g.reshape(flat, -1)
}

const gatherND: GradRow = ({ g, node, inputs, dy }) => {
  const [x, indices] = inputs as [Value, Value]
  const depth = g.shape(indices).at(-1)
  if (typeof depth !== 'number' || intOf(node, 'batch_dims', 0) !== 0) {
    throw gradientError('batched indices')
  }
  const leading = g.shape(x).slice(0, depth)
  const size = leading.every((dim) => typeof dim === 'number')
    ? (leading as number[]).reduce((product, dim) => product * dim, 1)
    : undefined
  const count =
    size === undefined
      ? g.op('ReduceProd', [g.op('Shape', [x], { start: int(0), end: int(depth) })])
      : g.int64s(size)
  const ids = flatIndices(g, x, indices, depth)
  const rows = g.op('Flatten', [dy], { axis: int(g.rank(indices) - 1) })
  return [g.reshapeLike(sumRows(g, ids, rows, count, size), x)]
}

/** dX = ScatterElements(0, ids, dY, add), whose kernel adds in one thread */
const gatherElements: GradRow = ({ g, node, inputs: [x, ids], dy }) => [
  g.op('ScatterElements', [g.zeros(g.shapeOf(x!), dy), ids, dy], {
    axis: int(intOf(node, 'axis', 0)),
    reduction: { type: 'string', value: 'add' },
  }),
]

const reductionOf = (node: Parameters<typeof stringOf>[0]): string =>
  stringOf(node, 'reduction', 'none')

/** dX = dY with 0 where it was overwritten; dU = dY there. Adding leaves dX whole. */
const scatterND: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [, indices, updates] = inputs as [Value, Value, Value]
  if (!['none', 'add'].includes(reductionOf(node)))
    throw gradientError(`a scatter by ${reductionOf(node)}`)
  const kept = () =>
    reductionOf(node) === 'add' ? dy : g.op('ScatterND', [dy, indices, g.zerosLike(updates)])
  return [
    wants(0) ? kept() : undefined,
    undefined,
    wants(2) ? g.op('GatherND', [dy, indices]) : undefined,
  ]
}

const scatterElements: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [, indices, updates] = inputs as [Value, Value, Value]
  if (!['none', 'add'].includes(reductionOf(node)))
    throw gradientError(`a scatter by ${reductionOf(node)}`)
  const axis = { axis: int(intOf(node, 'axis', 0)) }
  const kept = () =>
    reductionOf(node) === 'add'
      ? dy
      : g.op('ScatterElements', [dy, indices, g.zerosLike(updates)], axis)
  const ofUpdates = () => g.op('GatherElements', [dy, indices], axis)
  return [wants(0) ? kept() : undefined, undefined, wants(2) ? ofUpdates() : undefined]
}

/** y = off + (on − off)·hot: d on = Σ dY·hot, d off = Σ dY − d on */
const oneHot: GradRow = ({ g, node, inputs, dy }) => {
  const [indices, depth, values] = inputs as [Value, Value, Value]
  const bits = g.castLike(g.constant(float32Tensor([0, 1]), 'off_on'), values)
  const hot = g.op('OneHot', [indices, depth, bits], node.attributes)
  const all = (x: Value) => g.reshape(g.op('ReduceSum', [x], { keepdims: int(0) }), 1)
  const on = all(g.mul(dy, hot))
  return [undefined, undefined, g.concat([g.sub(all(dy), on), on], 0)]
}

/** dY back to where the largest stood; no index repeats along the axis. */
const topK: GradRow = ({ g, node, inputs: [x], outputs, outputGradients, extraOutput }) => {
  const [dy] = outputGradients
  if (!dy) return []
  const indices = outputs[1] ?? extraOutput(1)
  const axis = { axis: int(intOf(node, 'axis', -1)) }
  return [g.op('ScatterElements', [g.zeros(g.shapeOf(x!), dy), indices, dy], axis)]
}

const indices = stops('gives indices')

export const indexing = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterND: scatterND,
  ScatterElements: scatterElements,
  OneHot: oneHot,
  NonZero: indices,
  Unique: nonDifferentiable('what is distinct changes in jumps'),
  ArgMax: indices,
  ArgMin: indices,
  TopK: topK,
  'com.microsoft::GatherBlockQuantized': nonDifferentiable('its table is integer codes'),
} satisfies Partial<Record<KnownOp, GradEntry>>
