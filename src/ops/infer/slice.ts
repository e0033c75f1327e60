/**
 * Slice: bounds are clamped as ONNX says, with symbols where they decide; a step that is no plain number
 * leaves the axis unknown.
 */
import {
  addDims,
  type Dim,
  divDims,
  isNeverNegative,
  isPositive,
  maxDims,
  minDims,
  type Shape,
  subDims,
} from '../../graph/shape.ts'
import { asDims, axisOf, type InferRow, numbersOf, typed } from './infer-row.ts'

/** A bound counted from the front: negative ones from the end; a symbol of unknown sign is unknown. */
function absolute(bound: Dim, size: Dim): Dim {
  if (bound === Number.NEGATIVE_INFINITY) return 0
  if (bound === Number.POSITIVE_INFINITY) return size
  if (bound === null || isNeverNegative(bound)) return bound
  return isPositive(subDims(0, bound)) ? addDims(size, bound) : null
}

/** How many elements `start:end:step` takes of an axis. */
export function sliceLength(start: Dim, end: Dim, step: number, size: Dim): Dim {
  if (step < 0) return reversedLength(start, end, step, size)
  const from = maxDims(absolute(start, size), 0) // beyond the end gives a length below 0, hence 0
  const to = minDims(maxDims(absolute(end, size), 0), size)
  const length = subDims(to, from)
  const kept = isNeverNegative(length) ? length : maxDims(length, 0)
  return step === 1 ? kept : divDims(addDims(kept, step - 1), step)
}

/** Only plain numbers are followed backwards, and the whole axis. */
function reversedLength(start: Dim, end: Dim, step: number, size: Dim): Dim {
  const whole =
    (start === -1 || start === Number.POSITIVE_INFINITY) && typeof end === 'number' && end < -1e9
  if (whole || (start === -1 && end === Number.NEGATIVE_INFINITY)) {
    return divDims(addDims(size, -step - 1), -step)
  }
  if (typeof start !== 'number' || typeof end !== 'number' || typeof size !== 'number') return null
  const from = Math.min(Math.max(start < 0 ? start + size : start, 0), size - 1)
  const to = Math.min(Math.max(end < 0 ? end + size : end, -1), size - 1)
  return Math.max(0, Math.ceil((to - from) / step))
}

export const slice: InferRow = ({ node, inputs: [x, starts, ends, axes, steps] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype)]
  const count = sizeOf(starts) ?? sizeOf(ends)
  const over = node.inputs[3]
    ? numbersOf(axes)?.map((axis) => axisOf(axis, shape.length))
    : count === undefined
      ? undefined
      : Array.from({ length: count }, (_, axis) => axis)
  const strides = node.inputs[4] ? numbersOf(steps) : over?.map(() => 1)
  if (!over)
    return [
      typed(
        x.dtype,
        shape.map(() => null),
      ),
    ]
  const [from, to] = [starts?.known ?? [], ends?.known ?? []].map(asDims) as [Dim[], Dim[]]
  const dims: Dim[] = [...shape]
  over.forEach((axis, i) => {
    const step = strides?.[i]
    dims[axis] = step ? sliceLength(from[i] ?? null, to[i] ?? null, step, shape[axis]!) : null
  })
  return [typed(x.dtype, dims)]
}

const sizeOf = (type: { readonly shape?: Shape | undefined } | undefined): number | undefined =>
  typeof type?.shape?.[0] === 'number' ? type.shape[0] : undefined
