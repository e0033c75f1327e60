/** Values of reductions, summed in row-major order in double precision and rounded once. */
import { intOf } from '../../graph/attributes.ts'
import type { HostTensor } from '../../graph/data-type.ts'
import type { KnownOp } from '../known.ts'
import { type FoldRow, host, integersOf, isPlain, type NeverFolded } from './fold-row.ts'
import { larger, smaller } from './functions.ts'
import { around, stridesOf, walk } from './strided.ts'

type Reduce = (values: readonly number[]) => number

/** Elements that go into each output element. */
function groups(x: HostTensor, axes: readonly number[]): number[][] {
  const strides = stridesOf(x.shape)
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  const within = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1))
  const offsets = Array.from(walk(within, strides))
  return Array.from(walk(kept, strides), (base) => offsets.map((offset) => base + offset))
}

const reduction =
  (reduce: Reduce, big?: (values: readonly bigint[]) => bigint): FoldRow =>
  ({ node, inputs: [x, axes], outputs: [out] }) => {
    if (!x || !out || !isPlain(x.dtype)) return undefined
    const given = integersOf(axes)
    const all = x.shape.map((_, axis) => axis)
    const noop = intOf(node, 'noop_with_empty_axes', 0) === 1
    const over = given?.length
      ? given.map((axis) => (axis < 0 ? axis + x.shape.length : axis))
      : noop
        ? []
        : all
    const members = groups(x, over)
    if (members.some((group) => group.length === 0)) return undefined
    if (x.data instanceof BigInt64Array) {
      const { data } = x
      return (
        big && [
          host(
            out.dtype,
            out.shape,
            members.map((g) => big(g.map((i) => data[i]!))),
          ),
        ]
      )
    }
    const values = x.data as Float32Array
    return [
      host(
        out.dtype,
        out.shape,
        members.map((group) => reduce(group.map((i) => values[i]!))),
      ),
    ]
  }

const sum: Reduce = (values) => values.reduce((total, value) => total + value, 0)
const product: Reduce = (values) => values.reduce((total, value) => total * value, 1)
const squares: Reduce = (values) => values.reduce((total, value) => total + value * value, 0)
const logSumExp: Reduce = (values) => {
  const top = Math.max(...values)
  return top + Math.log(sum(values.map((value) => Math.exp(value - top))))
}

/** Elements of a line along an axis, each with those before it (or after it). */
const cumSum: FoldRow = ({ node, inputs: [x, axis], outputs: [out] }) => {
  const at = integersOf(axis)?.[0]
  if (!x || !out || at === undefined || !isPlain(x.dtype)) return undefined
  const [outer, size, inner] = around(x.shape, at < 0 ? at + x.shape.length : at)
  const exclusive = intOf(node, 'exclusive', 0) === 1
  const reverse = intOf(node, 'reverse', 0) === 1
  const numbers = Array.from(x.data as ArrayLike<number | bigint>, Number)
  if (!numbers.every((value) => Number.isFinite(value))) return undefined
  const values = new Array<number>(numbers.length)
  for (let line = 0; line < outer * inner; line++) {
    let total = 0
    for (let step = 0; step < size; step++) {
      const position = reverse ? size - 1 - step : step
      const i = (Math.floor(line / inner) * size + position) * inner + (line % inner)
      const next = x.dtype === 'float32' ? Math.fround(total + numbers[i]!) : total + numbers[i]!
      values[i] = exclusive ? total : next
      total = next
    }
  }
  const big = x.data instanceof BigInt64Array
  if (big && !values.every(Number.isSafeInteger)) return undefined
  return [host(out.dtype, out.shape, big ? values.map(BigInt) : values)]
}

export const reductions = {
  ReduceSum: reduction(sum, (v) => v.reduce((a, b) => a + b, 0n)),
  ReduceMean: reduction((values) => sum(values) / values.length),
  ReduceMax: reduction(
    (v) => Math.max(...v),
    (v) => v.reduce(larger),
  ),
  ReduceMin: reduction(
    (v) => Math.min(...v),
    (v) => v.reduce(smaller),
  ),
  ReduceProd: reduction(product, (v) => v.reduce((a, b) => a * b, 1n)),
  ReduceL1: reduction((values) => sum(values.map(Math.abs))),
  ReduceL2: reduction((values) => Math.sqrt(squares(values))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceLogSum: reduction((values) => Math.log(sum(values))),
  ReduceSumSquare: reduction(squares),
  CumSum: cumSum,
} satisfies Partial<Record<KnownOp, FoldRow | NeverFolded>>
