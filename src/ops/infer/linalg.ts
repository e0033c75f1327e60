/** Types of matrix products: MatMul and its kernels, Gemm, Einsum. */
import { intOf, stringOf } from '../../graph/attributes.ts'
import type { DataType } from '../../graph/data-type.ts'
import { type Dim, type Shape, shapeText } from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import { broadcastShapes } from './broadcast.ts'
import { agree, contradict, type InferContext, type InferRow, typed } from './infer-row.ts'

/** Shape of a (batched) matrix product as NumPy's matmul has it. */
export function matmulShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b) return undefined
  if (a.length === 0 || b.length === 0) contradict('a scalar in a matrix product')
  const left = a.length === 1 ? [1, a[0]!] : a
  const right = b.length === 1 ? [b[0]!, 1] : b
  const inner = `${shapeText(a)} times ${shapeText(b)}`
  agree(left.at(-1) ?? null, right.at(-2) ?? null, inner)
  const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)])!
  const rows = a.length === 1 ? [] : [left.at(-2)!]
  const columns = b.length === 1 ? [] : [right.at(-1)!]
  return [...batch, ...rows, ...columns]
}

const product =
  (dtype: (context: InferContext) => DataType | undefined): InferRow =>
  (context) => [
    typed(dtype(context), matmulShape(context.inputs[0]?.shape, context.inputs[1]?.shape)),
  ]

const swapped = (shape: Shape | undefined, transpose: boolean): Shape | undefined =>
  shape && transpose && shape.length >= 2
    ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!]
    : shape

/** com.microsoft FusedMatMul: transBatch moves the first axis before the matrix ones. */
const fusedMatMul: InferRow = ({ node, inputs: [a, b] }) => {
  const operand = (shape: Shape | undefined, side: 'A' | 'B'): Shape | undefined => {
    const batchFirst =
      shape && intOf(node, `transBatch${side}`, 0) === 1 && shape.length > 2
        ? [...shape.slice(1, -1), shape[0]!, shape.at(-1)!]
        : shape
    return swapped(batchFirst, intOf(node, `trans${side}`, 0) === 1)
  }
  return [typed(a?.dtype, matmulShape(operand(a?.shape, 'A'), operand(b?.shape, 'B')))]
}

/** Y = α·A′·B′ + β·C, A′ and B′ of rank 2. */
const gemm: InferRow = ({ node, inputs: [a, b, c] }) => {
  for (const operand of [a, b]) {
    if (operand?.shape && operand.shape.length !== 2) {
      contradict(`Gemm takes matrices, got ${shapeText(operand.shape)}`)
    }
  }
  const left = swapped(a?.shape, intOf(node, 'transA', 0) === 1)
  const right = swapped(b?.shape, intOf(node, 'transB', 0) === 1)
  if (left && right) agree(left[1]!, right[0]!, `${shapeText(left)} times ${shapeText(right)}`)
  const shape = [left?.[0] ?? null, right?.[1] ?? null]
  if (c?.shape) broadcastShapes([shape, c.shape])
  return [typed(a?.dtype, shape)]
}

/** Letters of the operands give the sizes of the result's letters; an ellipsis is left unknown. */
const einsum: InferRow = ({ node, inputs }) => {
  const equation = stringOf(node, 'equation', '').replaceAll(' ', '')
  const [left = '', right] = equation.split('->')
  const dtype = inputs[0]?.dtype
  if (equation.includes('.')) return [typed(dtype)]
  const sizes = new Map<string, Dim>()
  left.split(',').forEach((letters, i) => {
    const shape = inputs[i]?.shape
    if (!shape) return
    if (shape.length !== letters.length) contradict(`${letters} names ${shapeText(shape)}`)
    ;[...letters].forEach((letter, axis) => {
      const dim = agree(sizes.get(letter) ?? null, shape[axis]!, `letter ${letter}`)
      sizes.set(letter, dim)
    })
  })
  return [
    typed(
      dtype,
      [...(right ?? implicitOutput(left))].map((letter) => sizes.get(letter) ?? null),
    ),
  ]
}

/** Letters that occur once, in alphabetical order. */
const implicitOutput = (left: string): string[] => {
  const letters = [...left.replaceAll(',', '')]
  return letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort()
}

/** com.microsoft MatMulNBits: A[…, K] times packed B[N, K]. */
const matMulNBits: InferRow = ({ node, inputs: [a] }) => [
  typed(a?.dtype, a?.shape && [...a.shape.slice(0, -1), intOf(node, 'N', undefined) ?? null]),
]

export const linalg = {
  MatMul: product(({ inputs: [a, b] }) => a?.dtype ?? b?.dtype),
  Gemm: gemm,
  Einsum: einsum,
  MatMulInteger: product(() => 'int32'),
  'com.microsoft::FusedMatMul': fusedMatMul,
  'com.microsoft::MatMulIntegerToFloat': product(({ inputs }) => inputs[2]?.dtype ?? 'float32'),
  'com.microsoft::DynamicQuantizeMatMul': product(() => 'float32'),
  'com.microsoft::MatMulNBits': matMulNBits,
} satisfies Partial<Record<KnownOp, InferRow>>
