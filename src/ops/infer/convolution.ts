/** Types of convolution and pooling; extents by the formulas of the ONNX operators Conv and MaxPool. */
import { intOf, intsOf, stringOf } from '../../graph/attributes.ts'
import type { Node } from '../../graph/graph.ts'
import {
  addDims,
  type Dim,
  divDims,
  mulDims,
  type Shape,
  shapeText,
  subDims,
} from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import { agree, contradict, type InferRow, typed } from './infer-row.ts'

interface Window {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
  readonly autoPad: string
}

/** Strides, dilations and pads (begins, then ends) of a node over `spatial` axes. */
export function windowOf(node: Node, spatial: number): Window {
  const ones = Array.from({ length: spatial }, () => 1)
  return {
    strides: intsOf(node, 'strides') ?? ones,
    dilations: intsOf(node, 'dilations') ?? ones,
    pads: intsOf(node, 'pads') ?? Array.from({ length: 2 * spatial }, () => 0),
    autoPad: stringOf(node, 'auto_pad', 'NOTSET'),
  }
}

/** ⌊(in + pads − dilation·(kernel−1) − 1) / stride⌋ + 1, or ⌈in / stride⌉ where padding is automatic. */
function extent(size: Dim, kernel: Dim, axis: number, window: Window, ceil: boolean): Dim {
  const { strides, dilations, pads, autoPad } = window
  const stride = strides[axis] ?? 1
  if (autoPad.startsWith('SAME')) return divDims(addDims(size, stride - 1), stride)
  const padded =
    autoPad === 'VALID'
      ? size
      : addDims(size, (pads[axis] ?? 0) + (pads[axis + pads.length / 2] ?? 0))
  const reach = addDims(mulDims(subDims(kernel, 1), dilations[axis] ?? 1), 1)
  const room = addDims(subDims(padded, reach), ceil ? stride - 1 : 0)
  const count = addDims(divDims(room, stride), 1)
  if (!ceil || typeof count !== 'number' || typeof size !== 'number') return count
  // the last window must start inside the input or its left padding
  return (count - 1) * stride >= size + (pads[axis] ?? 0) ? count - 1 : count
}

const conv: InferRow = ({ node, inputs: [x, w] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype)]
  const spatial = shape.length - 2
  const kernel = intsOf(node, 'kernel_shape') ?? w?.shape?.slice(2) ?? []
  if (w?.shape) {
    if (w.shape.length !== shape.length) {
      contradict(`kernel ${shapeText(w.shape)} over ${shapeText(shape)}`)
    }
    const channels = mulDims(w.shape[1]!, intOf(node, 'group', 1))
    agree(shape[1]!, channels, 'input channels')
  }
  const window = windowOf(node, spatial)
  const extents = shape.slice(2).map((dim, i) => extent(dim, kernel[i] ?? null, i, window, false))
  return [typed(x.dtype, [shape[0]!, w?.shape?.[0] ?? null, ...extents])]
}

/** stride·(in−1) + output padding + dilation·(kernel−1) + 1 − pads. */
const convTranspose: InferRow = ({ node, inputs: [x, w] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype)]
  const spatial = shape.length - 2
  const kernel: Shape = intsOf(node, 'kernel_shape') ?? w?.shape?.slice(2) ?? []
  const { strides, dilations, pads, autoPad } = windowOf(node, spatial)
  const extra = intsOf(node, 'output_padding')
  const given = intsOf(node, 'output_shape')
  const extents = shape.slice(2).map((dim, i): Dim => {
    if (given) return given[given.length - spatial + i] ?? null
    if (autoPad.startsWith('SAME')) return mulDims(dim, strides[i] ?? 1)
    const reach = addDims(mulDims(subDims(kernel[i] ?? null, 1), dilations[i] ?? 1), 1)
    const full = addDims(addDims(mulDims(subDims(dim, 1), strides[i] ?? 1), reach), extra?.[i] ?? 0)
    return subDims(full, (pads[i] ?? 0) + (pads[i + spatial] ?? 0))
  })
  const channels = mulDims(w?.shape?.[1] ?? null, intOf(node, 'group', 1))
  return [typed(x.dtype, [shape[0]!, channels, ...extents])]
}

const pool: InferRow = ({ node, inputs: [x] }) => {
  const shape = x?.shape
  if (!shape) return [typed(x?.dtype), typed('int64')]
  const kernel = intsOf(node, 'kernel_shape') ?? []
  const window = windowOf(node, shape.length - 2)
  const ceil = intOf(node, 'ceil_mode', 0) === 1
  const extents = shape.slice(2).map((dim, i) => extent(dim, kernel[i] ?? null, i, window, ceil))
  const result = [...shape.slice(0, 2), ...extents]
  return [typed(x.dtype, result), typed('int64', result)]
}

const globalPool: InferRow = ({ inputs: [x] }) => [
  typed(
    x?.dtype,
    x?.shape?.map((dim, axis) => (axis < 2 ? dim : 1)),
  ),
]

export const convolution = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
} satisfies Partial<Record<KnownOp, InferRow>>
