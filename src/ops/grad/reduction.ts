/** Gradients of reductions: dY goes back over the axes that were reduced. */
import { int, intOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradContext, type GradEntry, type GradRow, gradientError } from './grad-row.ts'

/** Axes of a reduction; an error when they are not known. */
function axesOf({ g, node, inputs }: GradContext): number[] {
  const [x, axes] = inputs as [Value, Value | undefined]
  const rank = g.rank(x)
  const given = axes ? g.integersOf(axes) : []
  const empty = given?.length === 0 || g.typeOf(axes ?? x)?.shape?.[0] === 0
  if (!axes || empty) {
    return intOf(node, 'noop_with_empty_axes', 0) === 1 ? [] : [...Array(rank).keys()]
  }
  if (!given) throw gradientError('the axes of a reduction are not known')
  return given.map((axis) => g.axis(x, axis)).sort((a, b) => a - b)
}

interface Reduced {
  readonly g: GradBuilder
  readonly x: Value
  /** The result and its gradient, the reduced axes kept with size 1. */
  readonly y: Value
  readonly dy: Value
  readonly axes: readonly number[]
}

const reduction =
  (gradient: (reduced: Reduced) => Value): GradRow =>
  (context) => {
    const { g, node, inputs, outputs, dy } = context
    const x = inputs[0]!
    const axes = axesOf(context)
    const kept = intOf(node, 'keepdims', 1) === 1
    const restore = (value: Value) => (kept ? value : g.unsqueeze(value, ...axes))
    return [gradient({ g, x, y: restore(outputs[0]!), dy: restore(dy), axes })]
  }

/** How many elements each result is made of, in the type of `like`. */
function countOf({ g, x, dy, axes }: Reduced): Value {
  const sizes = axes.map((axis) => g.shape(x)[axis])
  if (sizes.every((size) => typeof size === 'number')) {
    return g.number(
      (sizes as number[]).reduce((product, size) => product * size, 1),
      dy,
    )
  }
  return g.castLike(g.div(g.op('Size', [x]), g.op('Size', [dy])), dy)
}

/** dY at the extreme, shared among ties */
const extreme = reduction(({ g, x, y, dy, axes }) => {
  const mask = g.castLike(g.equal(x, y), dy)
  return g.mul(mask, g.div(dy, g.sum(mask, axes)))
})

export const reductions = {
  ReduceSum: reduction(({ g, x, dy }) => g.expandLike(dy, x)),
  // dY/n
  ReduceMean: reduction((r) => r.g.expandLike(r.g.div(r.dy, countOf(r)), r.x)),
  ReduceMax: extreme,
  ReduceMin: extreme,
  // dY·y/x, where no x is 0
  ReduceProd: reduction(({ g, x, y, dy }) => g.div(g.mul(dy, y), x)),
  // dY·sign(x)
  ReduceL1: reduction(({ g, x, dy }) => g.mul(dy, g.op('Sign', [x]))),
  // dY·x/y, 0 where y is
  ReduceL2: reduction(({ g, x, y, dy }) => {
    const zero = g.equal(y, 0)
    return g.mul(x, g.where(zero, 0, g.div(dy, g.where(zero, 1, y))))
  }),
  // dY·e^(x−y)
  ReduceLogSumExp: reduction(({ g, x, y, dy }) => g.mul(dy, g.exp(g.sub(x, y)))),
  // y = ln Σx: dY/Σx
  ReduceLogSum: reduction(({ g, x, y, dy }) => g.expandLike(g.div(dy, g.exp(y)), x)),
  // dY·2x
  ReduceSumSquare: reduction(({ g, x, dy }) => g.mul(dy, g.mul(x, 2))),
  // summed from the other end
  CumSum: ({ g, node, inputs: [, axis], dy }) => [
    g.op('CumSum', [dy, axis], {
      exclusive: int(intOf(node, 'exclusive', 0)),
      reverse: int(1 - intOf(node, 'reverse', 0)),
    }),
  ],
} satisfies Partial<Record<KnownOp, GradEntry>>
