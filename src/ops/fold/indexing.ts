/** Values of operators that take or put elements by index; an index out of range leaves the node. */
import { intOf, stringOf } from '../../graph/attributes.ts'
import type { HostTensor } from '../../graph/data-type.ts'
import type { KnownOp } from '../known.ts'
import { type FoldRow, host, integersOf, type NeverFolded, never } from './fold-row.ts'
import { around, stridesOf, take } from './strided.ts'

/** Indices counted from the front; undefined when one is out of range. */
function positions(indices: HostTensor | undefined, size: number): number[] | undefined {
  const found = integersOf(indices)?.map((index) => (index < 0 ? index + size : index))
  return found?.every((index) => index >= 0 && index < size) ? found : undefined
}

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

const gather: FoldRow = ({ node, inputs: [x, indices], outputs: [out] }) => {
  if (!x || !out) return undefined
  const axis = axisOf(intOf(node, 'axis', 0), x.shape.length)
  const [outer, size, inner] = around(x.shape, axis)
  const at = positions(indices, size)
  if (!at) return undefined
  const from: number[] = []
  for (let row = 0; row < outer; row++) {
    for (const index of at) {
      for (let i = 0; i < inner; i++) from.push((row * size + index) * inner + i)
    }
  }
  return [take(x, from, out.shape)]
}

/** Flat places in `shape` that GatherElements and ScatterElements speak of. */
function elementPlaces(
  shape: readonly number[],
  indices: HostTensor,
  axis: number,
): number[] | undefined {
  const at = positions(indices, shape[axis]!)
  const [own, other] = [stridesOf(shape), stridesOf(indices.shape)]
  return at?.map((index, i) =>
    indices.shape.reduce((sum, size, k) => {
      const position = Math.floor(i / other[k]!) % size
      return sum + (k === axis ? index : position) * own[k]!
    }, 0),
  )
}

const gatherElements: FoldRow = ({ node, inputs: [x, indices], outputs: [out] }) => {
  if (!x || !indices || !out) return undefined
  const places = elementPlaces(x.shape, indices, axisOf(intOf(node, 'axis', 0), x.shape.length))
  return places && [take(x, places, out.shape)]
}

/** Offsets of the slices that the last axis of `indices` names. */
function slicePlaces(shape: readonly number[], indices: HostTensor): number[] | undefined {
  const depth = indices.shape.at(-1)!
  const flat = integersOf(indices)!
  const strides = stridesOf(shape)
  const places: number[] = []
  for (let i = 0; i < flat.length; i += depth) {
    let offset = 0
    for (let k = 0; k < depth; k++) {
      const index = flat[i + k]! < 0 ? flat[i + k]! + shape[k]! : flat[i + k]!
      if (index < 0 || index >= shape[k]!) return undefined
      offset += index * strides[k]!
    }
    places.push(offset)
  }
  return places
}

const sliceSize = (shape: readonly number[], depth: number): number => around(shape, depth - 1)[2]

const gatherND: FoldRow = ({ node, inputs: [x, indices], outputs: [out] }) => {
  if (!x || !indices || !out || intOf(node, 'batch_dims', 0) !== 0) return undefined
  const size = sliceSize(x.shape, indices.shape.at(-1)!)
  const places = slicePlaces(x.shape, indices)
  const from = places?.flatMap((place) => Array.from({ length: size }, (_, i) => place + i))
  return from && [take(x, from, out.shape)]
}

/** Without a reduction alone. */
const scatterND: FoldRow = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates || stringOf(node, 'reduction', 'none') !== 'none') return undefined
  const size = sliceSize(x.shape, indices.shape.at(-1)!)
  const places = slicePlaces(x.shape, indices)
  const data = x.data.slice() as HostTensor['data']
  places?.forEach((place, k) => {
    for (let i = 0; i < size; i++) data[place + i] = updates.data[k * size + i]!
  })
  return places && [{ ...x, data }]
}

const scatterElements: FoldRow = ({ node, inputs: [x, indices, updates] }) => {
  if (!x || !indices || !updates || stringOf(node, 'reduction', 'none') !== 'none') return undefined
  const places = elementPlaces(x.shape, indices, axisOf(intOf(node, 'axis', 0), x.shape.length))
  const data = x.data.slice() as HostTensor['data']
  places?.forEach((place, i) => {
    data[place] = updates.data[i]!
  })
  return places && [{ ...x, data }]
}

/** An index outside [−depth, depth) gives a row of the off value. */
const oneHot: FoldRow = ({ node, inputs: [indices, depth, values], outputs: [out] }) => {
  if (!indices || !depth || !values || !out) return undefined
  const axis = axisOf(intOf(node, 'axis', -1), out.shape.length)
  const [outer, size, inner] = around(out.shape, axis)
  const hot = Array.from(indices.data as ArrayLike<number | bigint>, Number)
  const flat = Array.from({ length: outer * size * inner }, (_, i) => {
    const [row, at, column] = [
      Math.floor(i / (size * inner)),
      Math.floor(i / inner) % size,
      i % inner,
    ]
    const index = hot[row * inner + column]!
    return values.data[(index < 0 ? index + size : index) === at ? 1 : 0]!
  })
  return [host(out.dtype, out.shape, flat)]
}

export const indexing = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterND: scatterND,
  ScatterElements: scatterElements,
  OneHot: oneHot,
  NonZero: never('its shape follows from values'),
  Unique: never('its shape follows from values'),
  ArgMax: never('occurs on activations'),
  ArgMin: never('occurs on activations'),
  TopK: never('occurs on activations'),
  'com.microsoft::GatherBlockQuantized': never('keeps its few bits'),
} satisfies Partial<Record<KnownOp, FoldRow | NeverFolded>>
