/**
 * Gathers whose indices are positions: the data itself, its first rows, or its axes moved.
 *
 * `Gather(table, [0, 1, …, S−1])` is a Slice. `GatherND(marks, [b, k])` and `Gather(flatten(marks), b·S + k)`
 * are how exporters write `marks[b, k]` for a mask function of batch and key. Where the batch of the marks
 * and that of the tokens have different symbols they are taken for one: the inputs of a model share it.
 */
import { int, intOf, ints } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { type Dim, equalDims, type Shape } from '../../graph/shape.ts'
import { int64Tensor } from '../../graph/tensor.ts'
import { constantInts } from '../constant-ints.ts'
import { type IndexFunction, indexFunction } from './index-function.ts'
import { sameBatch } from './same-batch.ts'

/** `Gather(data, offset + position)` along one axis → Slice. */
export const gatherRange: NodeRule = {
  name: 'gather-range',
  anchors: ['Gather'],
  apply(node, context) {
    const [data, indices] = node.inputs
    if (!data || !indices || intOf(node, 'axis', 0) !== 0) return undefined
    const shape = context.typeOf(indices)?.shape
    const found = shape && shape.length > 0 ? indexFunction(indices, context) : undefined
    const moving = found && onlyStep(found)
    if (!shape || moving === undefined || typeof found?.offset !== 'number') return undefined
    const { offset } = found
    if (offset < 0 || shape.some((dim, axis) => axis !== moving && dim !== 1)) return undefined
    const rows = rowsFrom(context, { data, indices }, offset, moving)
    const ones = shape.flatMap((_, axis) => (axis === moving ? [] : [axis]))
    return [ones.length === 0 ? rows : unsqueeze(context, rows, ones)]
  },
}

/** The axis with step 1 when all others stand still. */
function onlyStep({ steps }: IndexFunction): number | undefined {
  const moving = steps.flatMap((step, axis) => (step === 0 ? [] : [axis]))
  return moving.length === 1 && steps[moving[0]!] === 1 ? moving[0] : undefined
}

function rowsFrom(
  context: RewriteContext,
  { data, indices }: { data: Value; indices: Value },
  offset: number,
  axis: number,
): Value {
  const count = context.typeOf(indices)!.shape![axis]!
  if (offset === 0 && equalDims(count, context.typeOf(data)?.shape?.[0] ?? null)) return data
  const taken = offset === 0 ? endOfSlice(context, data, indices) : undefined
  if (taken) {
    const zero = context.constant(int64Tensor([0]), 'rows')
    return context.op('Slice', [data, zero, taken, zero])
  }
  const ends = (values: number[]) => context.constant(int64Tensor(values), 'rows')
  const length = context.op('Shape', [indices], { start: int(axis), end: int(axis + 1) })
  const end =
    typeof count === 'number'
      ? ends([offset + count])
      : offset === 0
        ? length
        : context.op('Add', [length, ends([offset])])
  return context.op('Slice', [data, ends([offset]), end, ends([0])])
}

/** Where the positions are the first ones of a stored list as long as the data: the end of that Slice. */
function endOfSlice(context: RewriteContext, data: Value, indices: Value): Value | undefined {
  const slice = context.producer(indices)
  const [stored, start, end, axes] =
    slice?.op === 'Slice' && slice.domain === '' ? slice.inputs : []
  // a list from -1 on, cut from its second number, has another end
  if (!start || constantInts(start, context)?.join() !== '0') return undefined
  if (!end || context.typeOf(end)?.dtype !== 'int64') return undefined
  const list = stored && context.weight(stored)?.tensor.shape
  const rows = context.typeOf(data)?.shape?.[0]
  const isLast = axes && constantInts(axes, context)?.join() === `${(list?.length ?? 0) - 1}`
  return list && isLast && list.at(-1) === rows ? end : undefined
}

const unsqueeze = (context: RewriteContext, x: Value, axes: readonly number[]): Value =>
  context.op('Unsqueeze', [x, context.constant(int64Tensor(axes), 'axes')])

/** `GatherND(data, [position of axis 0, position of axis 1, …])` → the data with its axes moved. */
export const gatherByCoordinates: NodeRule = {
  name: 'gather-by-coordinates',
  anchors: ['GatherND'],
  apply(node, context) {
    const [data, indices] = node.inputs
    const concat = indices && context.producer(indices)
    if (!data || !indices || concat?.op !== 'Concat' || concat.domain !== '') return undefined
    const shape = context.typeOf(indices)?.shape
    const from = context.typeOf(data)?.shape
    const rank = shape && shape.length - 1
    const axis = intOf(concat, 'axis', 0)
    if (!shape || !from || rank === undefined || (axis !== -1 && axis !== rank)) return undefined
    if (intOf(node, 'batch_dims', 0) !== 0 || concat.inputs.length !== from.length) return undefined
    const places = concat.inputs.map((part) => {
      const found = part && indexFunction(part, context)
      return found && found.offset === 0 ? onlyStep(found) : undefined
    })
    return moved(context, data, places, shape.slice(0, rank))
  },
}

/** `Gather(Reshape(data, [b·s, …1]), b·S + s)` → the data with its axes moved. */
export const gatherFlattened: NodeRule = {
  name: 'gather-flattened',
  anchors: ['Gather'],
  apply(node, context) {
    const [flat, indices] = node.inputs
    const source = flat && flattened(flat, context)
    const shape = indices && context.typeOf(indices)?.shape
    if (!source || !indices || !shape || intOf(node, 'axis', 0) !== 0) return undefined
    const found = indexFunction(indices, context)
    if (found?.offset !== 0) return undefined
    const [, columns] = source.shape as [Dim, Dim]
    const places = [columns, 1].map((stride) => {
      const axes = found.steps.flatMap((step, axis) => (same(step, stride) ? [axis] : []))
      return axes.length === 1 ? axes[0] : undefined
    })
    const steps = found.steps.filter((step) => step !== 0).length
    const ones = (context.typeOf(flat)?.shape?.length ?? 1) - 1
    if (steps !== 2) return undefined
    const result = moved(context, source.data, places, shape)
    if (!result || ones === 0) return result
    const axes = Array.from({ length: ones }, (_, i) => shape.length + i)
    return [unsqueeze(context, result[0]!, axes)]
  },
}

const same = (a: Dim, b: Dim): boolean => equalDims(a, b) === true

/** `[rows, columns]` seen as `[rows·columns]`, ones after it aside. */
function flattened(
  value: Value,
  context: RewriteContext,
): { data: Value; shape: Shape } | undefined {
  const reshape: Node | undefined = context.producer(value)
  const data =
    reshape?.domain === '' && (reshape.op === 'Reshape' || reshape.op === 'Flatten')
      ? reshape.inputs[0]
      : undefined
  const shape = data && context.typeOf(data)?.shape
  const to = context.typeOf(value)?.shape
  const isFlat = shape?.length === 2 && to?.slice(1).every((dim) => dim === 1)
  return data && shape && isFlat ? { data, shape } : undefined
}

/** True when all of an axis is read: of one size, or the batches of two inputs, which are taken for one. */
function isWhole(read: Dim, whole: Dim, axis: number, context: RewriteContext): boolean {
  if (same(read, whole) || axis > 0) return same(read, whole)
  return sameBatch(read, whole, context)
}

/** A dimension of an input, read from it; false where it is none. */
function lengthOf(dim: Dim, context: RewriteContext): Value | false {
  for (const { value } of context.graph.inputs) {
    const axis = dim === null ? -1 : (context.typeOf(value)?.shape?.indexOf(dim) ?? -1)
    if (axis >= 0) return context.op('Shape', [value], { start: int(axis), end: int(axis + 1) })
  }
  return false
}

/** Axis `i` of the data goes to `places[i]`; the result's other axes are ones. */
function moved(
  context: RewriteContext,
  data: Value,
  places: readonly (number | undefined)[],
  shape: Shape,
): Value[] | undefined {
  if (places.includes(undefined) || new Set(places).size !== places.length) return undefined
  const from = context.typeOf(data)?.shape
  const known = places as readonly number[]
  if (!from) return undefined
  // fewer keys than there are: the first ones
  const lengths = known.map((place, i) => {
    const dim = shape[place]!
    return isWhole(dim, from[i]!, i, context) ? undefined : i > 0 && lengthOf(dim, context)
  })
  if (lengths.includes(false)) return undefined
  if (shape.some((dim, axis) => !known.includes(axis) && dim !== 1)) return undefined
  const order = known.map((_, i) => i).sort((a, b) => known[a]! - known[b]!)
  const inOrder = order.every((axis, i) => axis === i)
  const read = lengths.reduce<Value>((whole, length, axis) => {
    const bounds = [0, axis].map((at) => context.constant(int64Tensor([at]), 'bounds'))
    return length ? context.op('Slice', [whole, bounds[0], length, bounds[1]]) : whole
  }, data)
  const turned = inOrder ? read : context.op('Transpose', [read], { perm: ints(order) })
  const ones = shape.flatMap((_, axis) => (known.includes(axis) ? [] : [axis]))
  return [ones.length === 0 ? turned : unsqueeze(context, turned, ones)]
}
