/** Values of operators that move elements; words are moved as they are, half floats too. */
import { intOf, intsOf, stringOf } from '../../graph/attributes.ts'
import { elementCount, type HostTensor } from '../../graph/data-type.ts'
import type { KnownOp } from '../known.ts'
import {
  type FoldRow,
  integersOf,
  type NeverFolded,
  never,
  newArray,
  reshapedHost,
} from './fold-row.ts'
import { around, broadcastWalk, stridesOf, take, walk } from './strided.ts'

/** The same words in the output's shape. */
const sameWords: FoldRow = ({ inputs: [x], outputs: [out] }) =>
  x && out && [reshapedHost(x, out.shape)]

const transpose: FoldRow = ({ node, inputs: [x], outputs: [out] }) => {
  if (!x || !out) return undefined
  const strides = stridesOf(x.shape)
  const perm = intsOf(node, 'perm') ?? strides.map((_, axis) => strides.length - 1 - axis)
  return [
    take(
      x,
      walk(
        out.shape,
        perm.map((axis) => strides[axis]!),
      ),
      out.shape,
    ),
  ]
}

const expand: FoldRow = ({ inputs: [x], outputs: [out] }) =>
  x && out && [take(x, broadcastWalk(x.shape, out.shape), out.shape)]

const slice: FoldRow = ({ inputs: [x, starts, , axes, steps], outputs: [out] }) => {
  if (!x || !out) return undefined
  const own = stridesOf(x.shape)
  const strides = [...own]
  const from = integersOf(starts) ?? []
  const over = integersOf(axes) ?? from.map((_, i) => i)
  const by = integersOf(steps)
  let offset = 0
  over.forEach((axis, i) => {
    const at = axis < 0 ? axis + x.shape.length : axis
    const [size, step, start] = [x.shape[at]!, by?.[i] ?? 1, from[i]!]
    const first = Math.min(
      Math.max(start < 0 ? start + size : start, 0),
      step < 0 ? size - 1 : size,
    )
    offset += first * own[at]!
    strides[at] = own[at]! * step
  })
  return [take(x, walk(out.shape, strides, offset), out.shape)]
}

const concat: FoldRow = ({ node, inputs, outputs: [out] }) => {
  if (!out) return undefined
  const parts = inputs.filter((input) => input !== undefined)
  const axis = intOf(node, 'axis', 0)
  const at = axis < 0 ? axis + out.shape.length : axis
  const [outer, total, inner] = around(out.shape, at)
  const data = newArray(out.dtype, outer * total * inner)
  let column = 0
  for (const part of parts) {
    const width = part.shape[at]! * inner
    for (let row = 0; row < outer; row++) {
      for (let i = 0; i < width; i++)
        data[row * total * inner + column + i] = part.data[row * width + i]!
    }
    column += width
  }
  return [{ dtype: out.dtype, shape: out.shape, data }]
}

const split: FoldRow = ({ node, inputs: [x], outputs }) => {
  if (!x) return undefined
  const axis = intOf(node, 'axis', 0)
  const at = axis < 0 ? axis + x.shape.length : axis
  const strides = stridesOf(x.shape)
  let start = 0
  return outputs.map((out) => {
    const part = take(x, walk(out.shape, strides, start * strides[at]!), out.shape)
    start += out.shape[at]!
    return part
  })
}

const tile: FoldRow = ({ inputs: [x], outputs: [out] }) => {
  if (!x || !out) return undefined
  const strides = stridesOf(x.shape)
  let indices = Int32Array.of(0)
  out.shape.forEach((size, axis) => {
    const next = new Int32Array(indices.length * size)
    indices.forEach((base, i) => {
      for (let k = 0; k < size; k++)
        next[i * size + k] = base + (k % x.shape[axis]!) * strides[axis]!
    })
    indices = next
  })
  return [take(x, indices, out.shape)]
}

/** Constant padding that grows; other modes and crops stay. */
const pad: FoldRow = ({ node, inputs: [x, pads, value, axes], outputs: [out] }) => {
  const amounts = integersOf(pads)
  if (!x || !out || !amounts || stringOf(node, 'mode', 'constant') !== 'constant') return undefined
  if (amounts.some((amount) => amount < 0)) return undefined
  const over = integersOf(axes) ?? x.shape.map((_, axis) => axis)
  const strides = stridesOf(out.shape)
  const offset = over.reduce((sum, axis, i) => sum + amounts[i]! * strides.at(axis)!, 0)
  const data = newArray(out.dtype, elementCount(out.shape))
  if (value) for (let i = 0; i < data.length; i++) data[i] = value.data[0]!
  walk(x.shape, strides, offset).forEach((to, from) => {
    data[to] = x.data[from]!
  })
  return [{ dtype: out.dtype, shape: out.shape, data }]
}

const trilu: FoldRow = ({ node, inputs: [x, diagonal], outputs: [out] }) => {
  if (!x || !out) return undefined
  const k = integersOf(diagonal)?.[0] ?? 0
  const upper = intOf(node, 'upper', 1) === 1
  const [rows, columns] = x.shape.slice(-2) as [number, number]
  const kept: HostTensor = { ...x, data: x.data.slice() as HostTensor['data'] }
  const zero = newArray(x.dtype, 1)[0]!
  for (let i = 0; i < kept.data.length; i++) {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns]
    if (upper ? column < row + k : column > row + k) kept.data[i] = zero
  }
  return [kept]
}

export const movement = {
  Slice: slice,
  Concat: concat,
  Split: split,
  Pad: pad,
  Transpose: transpose,
  Reshape: sameWords,
  Flatten: sameWords,
  Squeeze: sameWords,
  Unsqueeze: sameWords,
  Expand: expand,
  Tile: tile,
  Trilu: trilu,
  Resize: never('interpolation is the kernel’s own'),
  DepthToSpace: never('occurs on images, never on constants'),
  SpaceToDepth: never('occurs on images, never on constants'),
} satisfies Partial<Record<KnownOp, FoldRow | NeverFolded>>
