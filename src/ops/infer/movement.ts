/** Types of operators that move elements without computing: reshapes, slices, joins, pads. */
import { intOf, intsOf, stringOf } from '../../graph/attributes.ts'
import {
  addDims,
  type Dim,
  divDims,
  mulDims,
  productDims,
  type Shape,
  shapeText,
  subDims,
} from '../../graph/shape.ts'
import { movement as moves } from '../fold/movement.ts'
import type { KnownOp } from '../known.ts'
import { broadcastKnown, broadcastShapes } from './broadcast.ts'
import {
  agree,
  asDims,
  axisOf,
  contradict,
  element,
  type InferRow,
  type InferredType,
  like,
  numbersOf,
  typed,
} from './infer-row.ts'
import { movingContents } from './moved-contents.ts'
import { reshapedTo } from './reshape.ts'
import { slice } from './slice.ts'

/** A shape of this many unknown dimensions, from the type of the 1-D tensor that names them. */
const unknownOf = (counter: InferredType | undefined): Shape | undefined => {
  const count = counter?.shape?.[0]
  return counter?.shape?.length === 1 && typeof count === 'number'
    ? Array.from({ length: count }, () => null)
    : undefined
}

const reshape: InferRow = ({ node, inputs: [x, target] }) => {
  const wanted = target?.known ?? unknownOf(target)?.map(() => undefined)
  const shape = wanted && reshapedTo(x?.shape, wanted, intOf(node, 'allowzero', 0) === 1)
  return [typed(x?.dtype, shape, x?.known)]
}

const flatten: InferRow = ({ node, inputs: [x] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype, [null, null])]
  const axis = intOf(node, 'axis', 1)
  const at = axis < 0 ? axis + shape.length : axis
  return [typed(x.dtype, [productDims(shape.slice(0, at)), productDims(shape.slice(at))])]
}

/** Axes of Squeeze and Unsqueeze: an input since opset 13; not known gives undefined. */
const axesOf = (axes: InferredType | undefined, rank: number): number[] | undefined =>
  numbersOf(axes)?.map((axis) => axisOf(axis, rank))

const squeeze: InferRow = ({ node, inputs: [x, axes] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype, undefined, x?.known)]
  const dropped = node.inputs[1]
    ? axesOf(axes, shape.length)
    : shape.every((dim) => typeof dim === 'number')
      ? shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []))
      : undefined
  for (const axis of dropped ?? []) agree(shape[axis]!, 1, `squeezed axis ${axis}`)
  const kept = dropped && shape.filter((_, axis) => !dropped.includes(axis))
  return [typed(x.dtype, kept, x.known)]
}

const unsqueeze: InferRow = ({ inputs: [x, axes] }) => {
  const shape = x?.shape
  const count = numbersOf(axes)?.length
  const at = shape && count !== undefined ? axesOf(axes, shape.length + count) : undefined
  if (!shape || !at) return [typed(x?.dtype, undefined, x?.known)]
  if (new Set(at).size !== at.length)
    contradict(`an axis given twice in Unsqueeze: ${at.join(', ')}`)
  const rest = [...shape]
  const dims = Array.from({ length: shape.length + at.length }, (_, axis) =>
    at.includes(axis) ? 1 : rest.shift()!,
  )
  return [typed(x.dtype, dims, x.known)]
}

const transpose: InferRow = ({ node, inputs: [x] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype)]
  const perm = intsOf(node, 'perm') ?? shape.map((_, axis) => shape.length - 1 - axis)
  if (perm.length !== shape.length) {
    contradict(`perm [${perm.join(', ')}] of ${shapeText(shape)}`)
  }
  return [
    typed(
      x.dtype,
      perm.map((axis) => shape[axis]!),
      shape.length <= 1 ? x.known : undefined,
    ),
  ]
}

const concat: InferRow = ({ node, inputs }) => {
  const dtype = inputs.find((input) => input)?.dtype
  const shapes = inputs.map((input) => input?.shape)
  const first = shapes.find((shape) => shape)
  if (!first) return [typed(dtype)]
  const axis = axisOf(intOf(node, 'axis', 0), first.length)
  const dims: Dim[] = first.map(() => null)
  let length: Dim = 0
  for (const shape of shapes) {
    if (shape && shape.length !== first.length) {
      contradict(`${shapeText(first)} and ${shapeText(shape)} concatenated`)
    }
    length = addDims(length, shape?.[axis] ?? null)
    shape?.forEach((dim, i) => {
      if (i !== axis) dims[i] = agree(dims[i]!, dim, `axis ${i} of a concatenation`)
    })
  }
  dims[axis] = length
  const whole = first.length === 1 && shapes.every((shape) => typeof shape?.[0] === 'number')
  const contents = () =>
    inputs.flatMap(
      (input, i) =>
        input?.known ?? Array.from({ length: shapes[i]![0] as number }, () => undefined),
    )
  const small = whole && typeof length === 'number' && length <= 64
  return [typed(dtype, dims, small ? contents() : undefined)]
}

const split: InferRow = ({ node, inputs: [x, sizes] }) => {
  const count = node.outputs.length
  const shape = x?.shape
  // ONNX Runtime does not survive a count that is not that of the outputs
  const said = node.inputs[1] ? count : intOf(node, 'num_outputs', count)
  if (said !== count) contradict(`num_outputs is ${said}, and there are ${count} outputs`)
  if (!shape) return Array.from({ length: count }, () => typed(x?.dtype))
  const axis = axisOf(intOf(node, 'axis', 0), shape.length)
  const lengths = node.inputs[1]
    ? (sizes?.known ?? Array.from({ length: count }, () => undefined))
    : evenly(shape[axis]!, count)
  if (lengths.length !== count) contradict(`${lengths.length} sizes for ${count} parts`)
  let start = 0
  return lengths.map((length) => {
    const part = shape.map((dim, i) => (i === axis ? (length ?? null) : dim))
    const known =
      shape.length === 1 && typeof length === 'number' && start >= 0
        ? x.known?.slice(start, start + length)
        : undefined
    start += typeof length === 'number' ? length : Number.NaN
    return typed(x.dtype, part, known)
  })
}

/** Chunks of ⌈size / count⌉; the last takes the rest. */
function evenly(size: Dim, count: number): (Exclude<Dim, null> | undefined)[] {
  const chunk = divDims(addDims(size, count - 1), count)
  const exact = typeof size === 'number' && size % count === 0 ? size / count : chunk
  if (typeof size !== 'number') {
    const even = divDims(size, count)
    return Array.from({ length: count }, (_, i) =>
      element(
        typeof even === 'string' && !even.includes('floor') ? even : i < count - 1 ? chunk : null,
      ),
    )
  }
  return Array.from({ length: count }, (_, i) =>
    element(i < count - 1 ? exact : subDims(size, mulDims(exact, count - 1))),
  )
}

const expand: InferRow = ({ inputs: [x, target] }) => {
  const wanted = target?.known ? asDims(target.known) : unknownOf(target)
  const shape = wanted && broadcastShapes([x?.shape, wanted])
  return [
    typed(
      x?.dtype,
      shape,
      broadcastKnown([x], shape, (item) => item),
    ),
  ]
}

const tile: InferRow = ({ inputs: [x, repeats] }) => {
  const shape = x?.shape?.map((dim, axis) => mulDims(dim, repeats?.known?.[axis] ?? null))
  return [typed(x?.dtype, shape)]
}

/** begins, then ends, over the axes given (all by default). */
const pad: InferRow = ({ node, inputs: [x, pads, , axes] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype)]
  const over = node.inputs[3] ? axesOf(axes, shape.length) : shape.map((_, axis) => axis)
  if (!over)
    return [
      typed(
        x.dtype,
        shape.map(() => null),
      ),
    ]
  const dims = [...shape]
  over.forEach((axis, i) => {
    const [before, after] = [pads?.known?.[i] ?? null, pads?.known?.[i + over.length] ?? null]
    dims[axis] = addDims(addDims(shape[axis]!, before), after)
  })
  return [typed(x.dtype, dims)]
}

/** By `sizes` where they are known; scales are floats, which are not followed. */
const resize: InferRow = ({ node, inputs: [x, , , sizes] }) => {
  const shape = x?.shape
  const axes = intsOf(node, 'axes')?.map((axis) => axisOf(axis, shape?.length ?? 0))
  const plain = stringOf(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch'
  const dims = shape?.map((dim, axis): Dim => {
    const at = axes ? axes.indexOf(axis) : axis
    if (at < 0) return dim
    return plain ? (sizes?.known?.[at] ?? null) : null
  })
  return [typed(x?.dtype, dims)]
}

const depthToSpace: InferRow = ({ node, inputs: [x] }) => {
  const block = intOf(node, 'blocksize', 1)
  const [n, c, h, w] = x?.shape ?? [null, null, null, null]
  return [typed(x?.dtype, [n!, divDims(c!, block * block), mulDims(h!, block), mulDims(w!, block)])]
}

const spaceToDepth: InferRow = ({ node, inputs: [x] }) => {
  const block = intOf(node, 'blocksize', 1)
  const [n, c, h, w] = x?.shape ?? [null, null, null, null]
  return [typed(x?.dtype, [n!, mulDims(c!, block * block), divDims(h!, block), divDims(w!, block)])]
}

export const movement = {
  Slice: movingContents(slice, moves.Slice),
  Concat: concat,
  Split: split,
  Pad: pad,
  Transpose: movingContents(transpose, moves.Transpose),
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: movingContents(tile, moves.Tile),
  Trilu: ({ inputs: [x] }) => [like(x)],
  Resize: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
} satisfies Partial<Record<KnownOp, InferRow>>
