/** Types of operators that speak of shapes, make constants, or draw random numbers. */
import { intOf, intsOf } from '../../graph/attributes.ts'
import { type DataType, dataTypeOfCode } from '../../graph/data-type.ts'
import type { Node } from '../../graph/graph.ts'
import {
  addDims,
  type Dim,
  divDims,
  isNeverNegative,
  productDims,
  type Shape,
  subDims,
} from '../../graph/shape.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { inlineValues, tensorSize } from '../../graph/tensor.ts'
import type { KnownOp } from '../known.ts'
import {
  asDims,
  element,
  type InferRow,
  type InferredType,
  KNOWN_LIMIT,
  scalarOf,
  staticSize,
  typed,
} from './infer-row.ts'

/** Type of a constant; contents of small integer ones that are inline. */
export function typeOfTensor(tensor: Tensor): InferredType {
  const integer = tensor.dtype === 'int64' || tensor.dtype === 'int32' || tensor.dtype === 'bool'
  const values = integer && tensorSize(tensor) <= KNOWN_LIMIT ? inlineValues(tensor) : undefined
  const known = values && Array.from(values as ArrayLike<number | bigint>, toExact)
  return typed(tensor.dtype, tensor.shape, known)!
}

/** Beyond 2^53 a bound means "to the end": ±Infinity. */
const toExact = (value: number | bigint): number => exact(Number(value))
const exact = (value: number): number =>
  Number.isSafeInteger(value)
    ? value
    : value > 0
      ? Number.POSITIVE_INFINITY
      : Number.NEGATIVE_INFINITY

const shapeOf: InferRow = ({ node, inputs: [x] }) => {
  const shape = x?.shape
  if (!shape) return [typed('int64', [null])]
  const from = intOf(node, 'start', 0)
  const to = intOf(node, 'end', shape.length)
  const taken = shape.slice(
    ...([from, to].map((at) => clampIndex(at, shape.length)) as [number, number]),
  )
  return [typed('int64', [taken.length], taken.map(element))]
}

const clampIndex = (at: number, rank: number): number =>
  Math.min(Math.max(at < 0 ? at + rank : at, 0), rank)

const constant: InferRow = ({ node }) => {
  const { value, value_int, value_ints, value_float, value_floats, value_string, value_strings } =
    node.attributes
  if (value?.type === 'tensor') return [typeOfTensor(value.value)]
  if (value_int?.type === 'int') return [typed('int64', [], [exact(Number(value_int.value))])]
  if (value_ints?.type === 'ints') {
    return [
      typed(
        'int64',
        [value_ints.value.length],
        value_ints.value.map((v) => exact(Number(v))),
      ),
    ]
  }
  if (value_float) return [typed('float32', [])]
  if (value_floats?.type === 'floats') return [typed('float32', [value_floats.value.length])]
  if (value_string) return [typed('string', [])]
  if (value_strings?.type === 'strings') return [typed('string', [value_strings.value.length])]
  return [undefined]
}

const constantOfShape: InferRow = ({ node, inputs: [target] }) => {
  const value = node.attributes.value
  const tensor = value?.type === 'tensor' ? value.value : undefined
  const count = target?.shape?.[0]
  const shape: Shape | undefined = target?.known
    ? asDims(target.known)
    : typeof count === 'number'
      ? Array.from({ length: count }, () => null)
      : undefined
  const fill = tensor && typeOfTensor(tensor).known?.[0]
  const size = staticSize(shape)
  const known =
    fill !== undefined && size !== undefined && size <= KNOWN_LIMIT
      ? Array.from({ length: size }, () => fill)
      : undefined
  return [typed(tensor?.dtype ?? 'float32', shape, known)]
}

/** max(⌈(limit − start) / delta⌉, 0). */
const range: InferRow = ({ inputs }) => {
  const [start, limit, delta] = inputs.map(scalarOf)
  const dtype = inputs.find((input) => input)?.dtype
  if (start === undefined || limit === undefined || delta === undefined)
    return [typed(dtype, [null])]
  const span = subDims(limit, start)
  if (typeof span === 'number' && typeof delta === 'number') {
    const count = Math.max(0, Math.ceil(span / delta))
    if (count > KNOWN_LIMIT || typeof start !== 'number') return [typed(dtype, [count])]
    return [
      typed(
        dtype,
        [count],
        Array.from({ length: count }, (_, i) => start + i * delta),
      ),
    ]
  }
  return [typed(dtype, [typeof delta === 'number' ? steps(span, delta) : null])]
}

/** How many steps of `delta` a symbolic span has, where its sign is known. */
function steps(span: Dim, delta: number): Dim {
  if (delta <= 0 || !isNeverNegative(span)) return null
  return delta === 1 ? span : divDims(addDims(span, delta - 1), delta)
}

const codeOf = (node: Node, fallback: DataType | undefined): DataType | undefined =>
  dataTypeOfCode(intOf(node, 'dtype', 0)) ?? fallback

const randomOfShape: InferRow = ({ node }) => [
  typed(codeOf(node, 'float32'), intsOf(node, 'shape')),
]
const randomLike: InferRow = ({ node, inputs: [x] }) => [typed(codeOf(node, x?.dtype), x?.shape)]

export const generators = {
  Shape: shapeOf,
  Size: ({ inputs: [x] }) => {
    const size = x?.shape ? productDims(x.shape) : null
    return [typed('int64', [], [element(size)])]
  },
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: randomLike,
  RandomUniform: randomOfShape,
  RandomNormal: randomOfShape,
  RandomUniformLike: randomLike,
  RandomNormalLike: randomLike,
  Bernoulli: randomLike,
  Multinomial: ({ node, inputs: [x] }) => [
    typed(codeOf(node, 'int32'), [x?.shape?.[0] ?? null, intOf(node, 'sample_size', 1)]),
  ],
} satisfies Partial<Record<KnownOp, InferRow>>
