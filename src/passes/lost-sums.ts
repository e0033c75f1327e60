/**
 * What saturating sums lose, in plain operators: `clip(s) − s` of every sum of two products that can leave 16 bits,
 * added up by output column.
 *
 * Activations are turned, so that taking the inputs of many sums copies rows. Sums are taken in chunks; a 0/1 matrix
 * adds those of a chunk to their columns, in float32, which holds 512 losses of at most 32,130 exactly (< 2²⁴).
 */
import { int, ints } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor, int64Tensor } from '../graph/tensor.ts'
import type { RiskySums } from './saturation.ts'

/** A matrix of codes, and its sums that can saturate: at least one. */
export interface RiskyMatrix {
  /** `[rows, columns]`. */
  readonly codes: Int8Array
  readonly rows: number
  readonly columns: number
  readonly sums: RiskySums
}

/** Neighbouring columns and their sums. */
interface Group {
  readonly first: number
  readonly end: number
  readonly from: number
  readonly to: number
}

const CHUNK = 512

/** Corrections `[rows of left, columns]` in int32, and the number of sums that lost anything, an int32 scalar. */
export function lostSums(
  b: GraphBuilder,
  left: Value,
  matrix: RiskyMatrix,
): { lost: Value; count: Value } {
  const flat = b.op('Reshape', [left, b.int64s([-1, matrix.rows])])
  const floats = b.op('Cast', [flat], { to: int(1) })
  const turned = b.op('Transpose', [floats], { perm: ints([1, 0]) })
  const counts: Value[] = []
  const groups = groupsOf(matrix).map((group) => {
    const parts: Value[] = []
    for (let from = group.from; from < group.to; from += CHUNK) {
      const part = { ...group, from, to: Math.min(group.to, from + CHUNK) }
      const lost = losses(b, turned, matrix, part)
      const nonzero = b.op('Cast', [b.op('Cast', [lost], { to: int(9) })], { to: int(6) })
      counts.push(b.op('ReduceSum', [nonzero], { keepdims: int(0) }))
      const columns = b.op('MatMul', [placement(b, matrix, part), lost])
      parts.push(b.op('Cast', [columns], { to: int(6) }))
    }
    return total(b, parts)
  })
  const all = groups.length > 1 ? b.op('Concat', groups, { axis: int(0) }) : groups[0]!
  return { lost: b.op('Transpose', [all], { perm: ints([1, 0]) }), count: total(b, counts) }
}

/** Columns together until their sums fill a chunk; a column of more is a group of its own. */
function groupsOf({ columns, sums: { column } }: RiskyMatrix): Group[] {
  const groups: Group[] = []
  let group: Group = { first: 0, end: 0, from: 0, to: 0 }
  for (let next = 0, at = 0; next < columns; next++) {
    while (column[at] === next) at++
    if (at > group.to && group.to > group.from && at - group.from > CHUNK) {
      groups.push(group)
      group = { first: next, end: next, from: group.to, to: group.to }
    }
    group = { ...group, end: next + 1, to: at }
  }
  return [...groups, group]
}

/** What each sum of a part loses, `[sums, rows of left]`. */
function losses(
  b: GraphBuilder,
  turned: Value,
  { codes, columns, sums: { pair, column } }: RiskyMatrix,
  { from, to }: Group,
): Value {
  const places = Array.from({ length: to - from }, (_, i) => from + i)
  const half = (second: 0 | 1): Value => {
    const inputs = places.map((place) => 2 * pair[place]! + second)
    const weights = places.map((place, i) => codes[inputs[i]! * columns + column[place]!]!)
    const taken = b.op('Gather', [turned, b.constant(int64Tensor(inputs), 'inputs')])
    return b.op('Mul', [taken, b.constant(float32Tensor(weights, [weights.length, 1]), 'codes')])
  }
  const sum = b.op('Add', [half(0), half(1)])
  const [least, most] = [-32768, 32767].map((end) => b.constant(floatScalar(end), 'end'))
  return b.op('Sub', [b.op('Clip', [sum, least, most]), sum])
}

/** `[columns of the group, sums]`: 1 where a sum belongs to a column. */
function placement(
  b: GraphBuilder,
  { sums: { column } }: RiskyMatrix,
  { first, end, from, to }: Group,
): Value {
  const width = to - from
  const marks = new Float32Array((end - first) * width)
  for (let place = from; place < to; place++) {
    marks[(column[place]! - first) * width + place - from] = 1
  }
  return b.constant(inlineTensor('float32', [end - first, width], marks), 'columns')
}

const total = (b: GraphBuilder, parts: readonly Value[]): Value =>
  parts.reduce((sum, part) => b.op('Add', [sum, part]))
