/** Gradients of operators that move elements: each goes back where it came from. */
import { int, intOf, intsOf, stringOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradEntry, type GradRow, gradientError } from './grad-row.ts'

/** The input's shape again. */
const reshaped: GradRow = ({ g, inputs: [x], dy }) => [g.reshapeLike(dy, x!)]

/** The inverse permutation; of Aᵀ·C, made by a Gemm, the transpose is Cᵀ·A. */
const transpose: GradRow = ({ g, node, inputs: [x], dy }) => {
  const rank = g.rank(x!)
  const perm = intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const made = g.producer(dy)
  const swaps = rank === 2 && perm[0] === 1
  if (swaps && made?.op === 'Gemm' && intOf(made, 'transA', 0) === 1 && made.inputs.length === 2) {
    return [g.op('Gemm', [made.inputs[1], made.inputs[0]], made.attributes)]
  }
  const inverse = perm.map((_, axis) => perm.indexOf(axis))
  return [g.transpose(dy, inverse)]
}

/** Zeros before and after, axis by axis; strided and reversed axes scatter to their positions. */
const slice: GradRow = ({ g, inputs, dy }) => {
  const [x, starts, ends, axes, steps] = inputs as [Value, Value, Value, Value?, Value?]
  const from = g.typeOf(starts)?.known ?? []
  const count = g.typeOf(starts)?.shape?.[0]
  const by = steps ? g.integersOf(steps) : undefined
  const over = axes
    ? g.integersOf(axes)
    : typeof count === 'number'
      ? [...Array(count).keys()]
      : undefined
  if (!over) throw gradientError('the axes of a slice are not known')
  let gradient = dy
  const whole: number[] = []
  const before: number[] = []
  over.forEach((at, i) => {
    const axis = g.axis(x, at)
    const start = from[i]
    const simple = (!steps || by?.[i] === 1) && typeof start === 'number' && start >= 0
    if (simple && Number.isFinite(start)) {
      whole.push(axis)
      before.push(start)
      return
    }
    const part = (bounds: Value | undefined) => bounds && g.op('Gather', [bounds, g.int64s(i)])
    gradient = scatterAxis(g, gradient, x, axis, part(starts)!, part(ends)!, part(steps))
  })
  return [whole.length > 0 ? padAxes(g, gradient, x, whole, before) : gradient]
}

/** Pads axes to the sizes they have in `x`. */
function padAxes(
  g: GradBuilder,
  dy: Value,
  x: Value,
  axes: readonly number[],
  before: readonly number[],
): Value {
  const after = axes.map((axis, i) => {
    const missing = g.op('Sub', [g.sizeOf(x, axis), g.sizeOf(dy, axis)])
    return before[i] === 0 ? missing : g.op('Sub', [missing, g.int64s(before[i]!)])
  })
  const [sizes, parts] = [
    axes.map((axis) => g.shape(x)[axis]),
    axes.map((axis) => g.shape(dy)[axis]),
  ]
  const known = sizes.every((size, i) => typeof size === 'number' && typeof parts[i] === 'number')
  const ends = known
    ? g.int64s(...axes.map((_, i) => (sizes[i] as number) - (parts[i] as number) - before[i]!))
    : g.concat(after, 0)
  const pads = g.concat([g.int64s(...before), ends], 0)
  return g.op('Pad', [dy, pads, undefined, g.int64s(...axes)])
}

/** Puts the elements of an axis at the positions that a slice took them from. */
function scatterAxis(
  g: GradBuilder,
  dy: Value,
  x: Value,
  axis: number,
  start: Value,
  end: Value,
  step: Value | undefined,
): Value {
  const size = g.op('Squeeze', [g.sizeOf(x, axis)])
  const scalars = [g.op('Squeeze', [g.int64s(0)]), size, g.op('Squeeze', [g.int64s(1)])]
  const all = g.op('Range', scalars)
  const taken = g.op('Slice', [all, start, end, g.int64s(0), step].slice(0, step ? 5 : 4))
  const rank = g.rank(dy)
  const column = g.unsqueeze(taken, ...[...Array(rank).keys()].filter((i) => i !== axis))
  const shape = g.concat(
    [...Array(rank).keys()].map((i) => g.sizeOf(i === axis ? x : dy, i)),
    0,
  )
  const indices = g.expandLike(column, dy)
  return g.op('ScatterElements', [g.zeros(shape, dy), indices, dy], { axis: int(axis) })
}

/** Each operand takes its part of dY. */
const concat: GradRow = ({ g, node, inputs, dy }) => {
  const axis = g.axis(dy, intOf(node, 'axis', 0))
  const sizes = g.concat(
    inputs.map((input) => g.sizeOf(input!, axis)),
    0,
  )
  return g.ops('Split', [dy, sizes], inputs.length, { axis: int(axis) })
}

/** The parts' gradients side by side; a part that nobody used gives zeros. */
const split: GradRow = ({ g, node, outputs, outputGradients }) => {
  const like = outputGradients.find((gradient) => gradient)!
  const parts = outputs.map((output, i) => outputGradients[i] ?? g.zeros(g.shapeOf(output!), like))
  return [g.op('Concat', parts, { axis: int(intOf(node, 'axis', 0)) })]
}

/** Pads taken off again; the padding's value gets what fell on it. */
const pad: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [, pads, , axes] = inputs as [Value, Value, Value?, Value?]
  if (stringOf(node, 'mode', 'constant') !== 'constant') {
    throw gradientError(`padding of mode ${stringOf(node, 'mode', 'constant')}`)
  }
  const known = g.integersOf(pads)
  const off = known ? g.int64s(...known.map((amount) => 0 - amount)) : g.neg(pads)
  const dx = g.op('Pad', axes ? [dy, off, undefined, axes] : [dy, off])
  const all = (x: Value) => g.op('ReduceSum', [x], { keepdims: int(0) })
  return [dx, undefined, wants(2) ? g.sub(all(dy), all(dx)) : undefined]
}

/** [r₀, d₀, r₁, d₁, …] summed over the repeats */
const tile: GradRow = ({ g, inputs, dy }) => {
  const [x, repeats] = inputs as [Value, Value]
  const pairs = g.concat([g.unsqueeze(repeats, 1), g.unsqueeze(g.shapeOf(x), 1)], 1)
  const parted = g.op('Reshape', [dy, g.reshape(pairs, -1)], { allowzero: int(1) })
  const axes = g.shape(x).map((_, i) => 2 * i)
  // a rank that inference lost through unknown repeats is twice the input's
  return [g.sum(parted, axes, false)]
}

/** Nearest neighbours by whole factors: the copies' gradients are summed. */
const resize: GradRow = ({ g, node, inputs, dy }) => {
  const x = inputs[0]!
  const [from, to] = [g.shape(x), g.shape(dy)]
  const factors = to.map((size, i) => {
    const own = from[i]
    if (own !== null && size === own) return 1
    return typeof size === 'number' && typeof own === 'number' ? size / own : Number.NaN
  })
  if (stringOf(node, 'mode', 'nearest') !== 'nearest' || !factors.every(Number.isInteger)) {
    throw gradientError('a resize that interpolates or has no whole factors')
  }
  const parted = factors.flatMap((factor, i) => [g.sizeOf(x, i), g.int64s(factor)])
  const blocks = g.op('Reshape', [dy, g.concat(parted, 0)])
  return [
    g.sum(
      blocks,
      factors.map((_, i) => 2 * i + 1),
      false,
    ),
  ]
}

/** The opposite rearrangement; column-row-depth order has no operator of its own. */
const depthToSpace: GradRow = ({ g, node, inputs: [x], dy }) => {
  const size = intOf(node, 'blocksize', 1)
  if (stringOf(node, 'mode', 'DCR') === 'DCR') {
    return [g.op('SpaceToDepth', [dy], { blocksize: int(size) })]
  }
  const [, channels, height, width] = g.shape(x!)
  if (![channels, height, width].every((dim) => typeof dim === 'number')) {
    throw gradientError('a rearrangement of symbolic sizes')
  }
  const inner = (channels as number) / (size * size)
  const parted = g.reshape(dy, -1, inner, height as number, size, width as number, size)
  return [g.reshapeLike(g.transpose(parted, [0, 1, 3, 5, 2, 4]), x!)]
}

export const movement = {
  Slice: slice,
  Concat: concat,
  Split: split,
  Pad: pad,
  Transpose: transpose,
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  // the walker sums what was stretched
  Expand: ({ dy }) => [dy],
  Tile: tile,
  // the same triangle
  Trilu: ({ g, node, inputs: [, k], dy }) => [g.op('Trilu', k ? [dy, k] : [dy], node.attributes)],
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: ({ g, node, dy }) => [
    g.op('DepthToSpace', [dy], { blocksize: int(intOf(node, 'blocksize', 1)) }),
  ],
} satisfies Partial<Record<KnownOp, GradEntry>>
