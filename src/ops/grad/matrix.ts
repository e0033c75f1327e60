/** Gradients of matrix products. */
import { float, floatOf, int, intOf, string, stringOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradEntry, type GradRow, gradientError, nonDifferentiable } from './grad-row.ts'

/** xᵀ·y summed over all rows: `[…, K]`, `[…, N]` → `[K, N]`. */
function outerSum(g: GradBuilder, x: Value, y: Value): Value {
  const rows = (value: Value) =>
    g.rank(value) === 2 ? value : g.op('Flatten', [value], { axis: int(g.rank(value) - 1) })
  return g.op('Gemm', [rows(x), rows(y)], { transA: int(1) })
}

/**
 * dA = dY·Bᵀ; dB = Aᵀ·dY. A matrix shared by a batch gets one product over all its rows. Vectors are
 * matrices of one row (left) or column (right).
 */
const matmul: GradRow = ({ g, inputs, dy, wants }) => {
  const [a, b] = inputs as [Value, Value]
  const [vectorLeft, vectorRight] = [g.rank(a) === 1, g.rank(b) === 1]
  const left = vectorLeft ? g.unsqueeze(a, 0) : a
  const right = vectorRight ? g.unsqueeze(b, 1) : b
  let dY = vectorRight ? g.unsqueeze(dy, -1) : dy
  if (vectorLeft) dY = g.unsqueeze(dY, -2)
  const shared = g.rank(right) === 2 && g.rank(left) >= 2
  const ofRight = (): Value => {
    const product = shared ? outerSum(g, left, dY) : g.matmul(left, dY, true, false)
    return vectorRight ? g.op('Squeeze', [product, g.int64s(-1)]) : product
  }
  return [wants(0) ? g.matmul(dY, right, false, true) : undefined, wants(1) ? ofRight() : undefined]
}

/** α·A′·B′ + β·C with A′, B′ perhaps transposed; `multiply` has the product of two with transposes. */
function productGradients(
  a: Value,
  b: Value,
  dy: Value,
  transA: boolean,
  transB: boolean,
  multiply: (x: Value, y: Value, transX: boolean, transY: boolean) => Value,
): [() => Value, () => Value] {
  return [
    // dA = α·dY·B′ᵀ, or its transpose α·B′·dYᵀ where A came transposed
    () => (transA ? multiply(b, dy, transB, true) : multiply(dy, b, false, !transB)),
    // dB = α·A′ᵀ·dY, or its transpose α·dYᵀ·A′
    () => (transB ? multiply(dy, a, true, transA) : multiply(a, dy, !transA, false)),
  ]
}

const gemm: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [a, b] = inputs as [Value, Value]
  const alpha = floatOf(node, 'alpha', 1)
  const beta = floatOf(node, 'beta', 1)
  const multiply = (x: Value, y: Value, transX: boolean, transY: boolean) =>
    g.op('Gemm', [x, y], {
      alpha: float(alpha),
      transA: int(Number(transX)),
      transB: int(Number(transY)),
    })
  const [dA, dB] = productGradients(
    a,
    b,
    dy,
    intOf(node, 'transA', 0) === 1,
    intOf(node, 'transB', 0) === 1,
    multiply,
  )
  return [
    wants(0) ? dA() : undefined,
    wants(1) ? dB() : undefined,
    wants(2) ? (beta === 1 ? dy : g.mul(dy, beta)) : undefined,
  ]
}

const fusedMatMul: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [a, b] = inputs as [Value, Value]
  if (intOf(node, 'transBatchA', 0) === 1 || intOf(node, 'transBatchB', 0) === 1) {
    throw gradientError('a FusedMatMul with its batch axis moved')
  }
  const alpha = floatOf(node, 'alpha', 1)
  const multiply = (x: Value, y: Value, transX: boolean, transY: boolean) =>
    g.op(
      'FusedMatMul',
      [x, y],
      { alpha: float(alpha), transA: int(Number(transX)), transB: int(Number(transY)) },
      { domain: 'com.microsoft' },
    )
  const [transA, transB] = [intOf(node, 'transA', 0) === 1, intOf(node, 'transB', 0) === 1]
  const [dA, dB] = productGradients(a, b, dy, transA, transB, multiply)
  return [wants(0) ? dA() : undefined, wants(1) ? dB() : undefined]
}

/** An operand's gradient is the product of dY with the other operands, with its own letters as result. */
const einsum: GradRow = ({ g, node, inputs, dy, wants }) => {
  const equation = stringOf(node, 'equation', '').replaceAll(' ', '')
  const [left = '', output] = equation.split('->')
  const operands = left.split(',')
  const repeats = operands.some((letters) => new Set(letters).size !== letters.length)
  if (output === undefined || equation.includes('.') || repeats) {
    throw gradientError(`the equation '${equation}' (diagonals, ellipses and implicit results)`)
  }
  return inputs.map((input, i) => {
    if (!input || !wants(i)) return undefined
    const others = operands.filter((_, k) => k !== i)
    const reached = new Set([...output, ...others.join('')])
    const letters = [...operands[i]!]
    const kept = letters.filter((letter) => reached.has(letter))
    const result = g.op('Einsum', [dy, ...inputs.filter((_, k) => k !== i)], {
      equation: string(`${[output, ...others].join(',')}->${kept.join('')}`),
    })
    // a letter that only this operand has was summed: every element gets the same
    const lost = letters.flatMap((letter, axis) => (reached.has(letter) ? [] : [axis]))
    return lost.length > 0 ? g.expandLike(g.unsqueeze(result, ...lost), input) : result
  })
}

const codes = nonDifferentiable('its weights are integer codes: train before quantizing')

export const matrix = {
  MatMul: matmul,
  Gemm: gemm,
  Einsum: einsum,
  MatMulInteger: codes,
  'com.microsoft::FusedMatMul': fusedMatMul,
  'com.microsoft::MatMulIntegerToFloat': codes,
  'com.microsoft::DynamicQuantizeMatMul': codes,
  'com.microsoft::MatMulNBits': codes,
} satisfies Partial<Record<KnownOp, GradEntry>>
