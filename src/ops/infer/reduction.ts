/** Types of reductions: axes are an input since opset 18 (ReduceSum since 13). */
import { intOf } from '../../graph/attributes.ts'
import { addDims, type Dim, mulDims, type Shape } from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import {
  axisOf,
  element,
  type InferContext,
  type InferRow,
  type KnownElements,
  like,
  numbersOf,
  typed,
} from './infer-row.ts'

/** Axes that a reduction removes; undefined when they are not known. */
export function reducedAxes({ node, inputs }: InferContext, rank: number): number[] | undefined {
  const axes = inputs[1]
  const all = Array.from({ length: rank }, (_, axis) => axis)
  if (!node.inputs[1] || axes?.shape?.[0] === 0) {
    return intOf(node, 'noop_with_empty_axes', 0) === 1 ? [] : all
  }
  return numbersOf(axes)?.map((axis) => axisOf(axis, rank))
}

/** Reduces over its axes; contents when a known 1-D tensor becomes one number. */
const reduction =
  (combine?: (items: KnownElements) => Dim): InferRow =>
  (context) => {
    const { node, inputs } = context
    const [x] = inputs
    const shape = x?.shape
    if (!x || !shape) return [typed(x?.dtype)]
    const axes = reducedAxes(context, shape.length)
    const keep = intOf(node, 'keepdims', 1) === 1
    const count = inputs[1]?.shape?.[0]
    if (!axes) return [typed(x.dtype, unknownAxes(shape, keep, count))]
    const dims = shape.flatMap((dim, axis) => (!axes.includes(axis) ? [dim] : keep ? [1] : []))
    const whole =
      combine && x.known?.every((item) => item !== undefined) && axes.length === shape.length
    return [typed(x.dtype, dims, whole ? [element(combine(x.known!))] : undefined)]
  }

const unknownAxes = (shape: Shape, keep: boolean, count: Dim | undefined): Shape | undefined =>
  keep
    ? shape.map(() => null)
    : typeof count === 'number' && count <= shape.length
      ? Array.from({ length: shape.length - count }, () => null)
      : undefined

const plain = reduction()
const fold =
  (operation: (a: Dim, b: Dim) => Dim, start: Dim) =>
  (items: KnownElements): Dim =>
    items.reduce((result: Dim, item) => operation(result, item ?? null), start)

/** Of plain numbers only. */
const ofNumbers =
  (operation: (...values: number[]) => number) =>
  (items: KnownElements): Dim =>
    items.every((item) => typeof item === 'number') && items.length > 0
      ? operation(...(items as number[]))
      : null

export const reductions = {
  ReduceSum: reduction(fold(addDims, 0)),
  ReduceMean: plain,
  ReduceMax: reduction(ofNumbers(Math.max)),
  ReduceMin: reduction(ofNumbers(Math.min)),
  ReduceProd: reduction(fold(mulDims, 1)),
  ReduceL1: plain,
  ReduceL2: plain,
  ReduceLogSumExp: plain,
  ReduceLogSum: plain,
  ReduceSumSquare: plain,
  CumSum: ({ inputs: [x] }) => [like(x)],
} satisfies Partial<Record<KnownOp, InferRow>>
