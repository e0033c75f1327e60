/** Types of operators that take, put or find elements by index. */
import { intOf } from '../../graph/attributes.ts'
import { mulDims, productDims, type Shape } from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import {
  axisOf,
  contradict,
  type InferRow,
  type InferredType,
  like,
  scalarOf,
  typed,
} from './infer-row.ts'

const gather: InferRow = ({ node, inputs: [data, indices] }) => {
  if (!data?.shape) return [typed(data?.dtype)]
  const axis = axisOf(intOf(node, 'axis', 0), data.shape.length)
  if (data.shape.length === 0) contradict('Gather from a scalar')
  const shape = indices?.shape && [
    ...data.shape.slice(0, axis),
    ...indices.shape,
    ...data.shape.slice(axis + 1),
  ]
  return [typed(data.dtype, shape, taken(data, indices))]
}

/** Contents taken from a 1-D tensor of known contents by known indices. */
function taken(data: InferredType, indices: InferredType | undefined) {
  const { known } = data
  if (!known || data.shape?.length !== 1) return undefined
  return indices?.known?.map((index) =>
    typeof index === 'number' ? known[index < 0 ? index + known.length : index] : undefined,
  )
}

const gatherND: InferRow = ({ node, inputs: [data, indices] }) => {
  const depth = indices?.shape?.at(-1)
  const batch = intOf(node, 'batch_dims', 0)
  const shape =
    data?.shape && indices?.shape && typeof depth === 'number'
      ? [...indices.shape.slice(0, -1), ...data.shape.slice(batch + depth)]
      : undefined
  return [typed(data?.dtype, shape)]
}

const oneHot: InferRow = ({ node, inputs: [indices, depth, values] }) => {
  if (!indices?.shape) return [typed(values?.dtype)]
  const axis = axisOf(intOf(node, 'axis', -1), indices.shape.length + 1)
  const shape = [
    ...indices.shape.slice(0, axis),
    scalarOf(depth) ?? null,
    ...indices.shape.slice(axis),
  ]
  return [typed(values?.dtype, shape)]
}

const argument: InferRow = ({ node, inputs: [x] }) => {
  const axis = x?.shape && axisOf(intOf(node, 'axis', 0), x.shape.length)
  const keep = intOf(node, 'keepdims', 1) === 1
  const shape = x?.shape?.flatMap((dim, i) => (i !== axis ? [dim] : keep ? [1] : []))
  return [typed('int64', shape)]
}

const topK: InferRow = ({ node, inputs: [x, k] }) => {
  const axis = x?.shape && axisOf(intOf(node, 'axis', -1), x.shape.length)
  const count = scalarOf(k) ?? null
  const shape = x?.shape?.map((dim, i) => (i === axis ? count : dim))
  return [typed(x?.dtype, shape), typed('int64', shape)]
}

/** Distinct values in order, where each is first, which one each element is, and how often it comes. */
const unique: InferRow = ({ node, inputs: [x] }) => {
  const has = node.attributes.axis !== undefined
  const axis = x?.shape && has ? axisOf(intOf(node, 'axis', 0), x.shape.length) : undefined
  const distinct = has ? x?.shape?.map((dim, i) => (i === axis ? null : dim)) : [null]
  const size = has ? axis !== undefined && x?.shape?.[axis] : x?.shape && productDims(x.shape)
  const each = typed('int64', [null])
  return [typed(x?.dtype, distinct), each, typed('int64', [size || null]), each]
}

/** com.microsoft: a table of block-quantized rows; uint8 data packs 8 / bits values a byte. */
const gatherBlockQuantized: InferRow = ({ node, inputs: [data, indices, scales] }) => {
  const perByte = data?.dtype === 'uint8' ? 8 / intOf(node, 'bits', 4) : 1
  const whole: Shape | undefined = data?.shape?.map((dim, axis) =>
    axis === data.shape!.length - 1 ? mulDims(dim, perByte) : dim,
  )
  const axis = whole && axisOf(intOf(node, 'gather_axis', 0), whole.length)
  const shape = whole &&
    indices?.shape && [...whole.slice(0, axis), ...indices.shape, ...whole.slice(axis! + 1)]
  return [typed(scales?.dtype, shape)]
}

export const indexing = {
  Gather: gather,
  GatherElements: ({ inputs: [data, indices] }) => [typed(data?.dtype, indices?.shape)],
  GatherND: gatherND,
  ScatterND: ({ inputs: [data] }) => [like(data)],
  ScatterElements: ({ inputs: [data] }) => [like(data)],
  OneHot: oneHot,
  NonZero: ({ inputs: [x] }) => [typed('int64', [x?.shape?.length ?? null, null])],
  Unique: unique,
  ArgMax: argument,
  ArgMin: argument,
  TopK: topK,
  'com.microsoft::GatherBlockQuantized': gatherBlockQuantized,
} satisfies Partial<Record<KnownOp, InferRow>>
