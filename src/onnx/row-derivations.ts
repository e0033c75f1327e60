/**
 * Derivations that compute: what a network does to each row of a table before anything is known of its
 * input. Sums in float64, so that the result is at least as exact as what a kernel would have computed.
 */

import { bytesOf, hostArray } from '../graph/data-type.ts'
import { type DerivedSource, derive, type ReadTensor, type Tensor } from '../graph/tensor.ts'

const floats = (tensor: Tensor, read: ReadTensor): Float32Array =>
  hostArray('float32', read(tensor)) as Float32Array

/** LayerNormalization of each row (Ba et al. 2016): inputs rows, scale and perhaps shift. */
export function normalizeRows({ shape }: Tensor, source: DerivedSource, read: ReadTensor) {
  const [x, scale, shift] = source.inputs.map((input) => floats(input, read))
  const width = shape.at(-1)!
  const to = new Float32Array(x!.length)
  for (let at = 0; at < to.length; at += width) {
    const row = x!.subarray(at, at + width)
    const mean = row.reduce((sum, value) => sum + value, 0) / width
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width
    const factor = 1 / Math.sqrt(variance + (source.settings.epsilon as number))
    for (let i = 0; i < width; i++) {
      to[at + i] = (row[i]! - mean) * factor * scale![i]! + (shift?.[i] ?? 0)
    }
  }
  return bytesOf(to)
}

/** `(x·Wᵀ + b)·factor`: inputs rows `[n, in]`, W `[out, in]` and perhaps b `[out]`. */
export function projectRows({ shape }: Tensor, source: DerivedSource, read: ReadTensor) {
  const [x, weight, bias] = source.inputs.map((input) => floats(input, read))
  const [rows, outSize] = shape as [number, number]
  const inSize = source.inputs[0]!.shape[1]!
  const factor = source.settings.factor as number
  const to = new Float32Array(rows * outSize)
  // four rows at once: each weight is loaded and widened for all of them
  for (let first = 0; first < rows; first += 4) {
    const at = [0, 1, 2, 3].map((i) => Math.min(first + i, rows - 1))
    const [r0, r1, r2, r3] = at.map((row) => x!.subarray(row * inSize, (row + 1) * inSize))
    for (let o = 0; o < outSize; o++) {
      const w = weight!.subarray(o * inSize, (o + 1) * inSize)
      let [s0, s1, s2, s3] = [0, 0, 0, 0]
      for (let i = 0; i < inSize; i++) {
        const value = w[i]!
        s0 += r0![i]! * value
        s1 += r1![i]! * value
        s2 += r2![i]! * value
        s3 += r3![i]! * value
      }
      const shift = bias?.[o] ?? 0
      for (const [i, sum] of [s0, s1, s2, s3].entries()) {
        to[at[i]! * outSize + o] = (sum + shift) * factor
      }
    }
  }
  return bytesOf(to)
}

/** Each row times its scale, plus its shift: inputs x `[n, …]`, scale `[n]` and perhaps shift `[n]`. */
export function scaleRows({ shape }: Tensor, source: DerivedSource, read: ReadTensor): Uint8Array {
  const [x, scale, shift] = source.inputs.map((input) => floats(input, read))
  const width = x!.length / shape[0]!
  const to = x!.map((value, i) => {
    const row = Math.floor(i / width)
    return value * scale![row]! + (shift?.[row] ?? 0)
  })
  return bytesOf(to)
}

/** Each column times its scale: inputs rows `[n, width]`, scale `[width]`. */
export function scaleColumns(_: Tensor, source: DerivedSource, read: ReadTensor): Uint8Array {
  const [x, scale] = source.inputs.map((input) => floats(input, read))
  const width = scale!.length
  const to = new Float32Array(x!.length)
  for (let i = 0, j = 0; i < to.length; i++) {
    to[i] = x![i]! * scale![j]!
    if (++j === width) j = 0
  }
  return bytesOf(to)
}

/** `γ / √(σ² + ε)` of a batch normalization: inputs γ and σ². */
export function normFactor(_: Tensor, source: DerivedSource, read: ReadTensor): Uint8Array {
  const [gamma, variance] = source.inputs.map((input) => floats(input, read))
  const epsilon = source.settings.epsilon as number
  return bytesOf(gamma!.map((value, i) => value / Math.sqrt(variance![i]! + epsilon)))
}

/** `β − μ·γ / √(σ² + ε)`: inputs γ, σ², β and μ. */
export function normOffset(_: Tensor, source: DerivedSource, read: ReadTensor): Uint8Array {
  const [gamma, variance, beta, mean] = source.inputs.map((input) => floats(input, read))
  const epsilon = source.settings.epsilon as number
  const offset = (value: number, i: number) =>
    value - (mean![i]! * gamma![i]!) / Math.sqrt(variance![i]! + epsilon)
  return bytesOf(beta!.map(offset))
}

/** The scale of a batch normalization, computed when it is read. */
export const normFactors = (gamma: Tensor, variance: Tensor, epsilon: number): Tensor =>
  derive('normFactor', [gamma, variance], 'float32', gamma.shape, { epsilon })

/** Its shift: from γ, σ², β and μ. */
export const normOffsets = (inputs: readonly [Tensor, ...Tensor[]], epsilon: number): Tensor =>
  derive('normOffset', inputs, 'float32', inputs[0].shape, { epsilon })

/** Columns scaled when they are read. */
export const scaledColumns = (rows: Tensor, scale: Tensor): Tensor =>
  derive('scaleColumns', [rows, scale], 'float32', rows.shape)

/** Rows scaled and shifted when they are read. */
export const scaledRows = (rows: Tensor, scale: Tensor, shift?: Tensor): Tensor =>
  derive('scaleRows', shift ? [rows, scale, shift] : [rows, scale], 'float32', rows.shape)

/** Rows normalized when they are read. */
export const normalizedRows = (
  rows: Tensor,
  scale: Tensor,
  shift: Tensor | undefined,
  epsilon: number,
): Tensor =>
  derive('normalizeRows', shift ? [rows, scale, shift] : [rows, scale], 'float32', rows.shape, {
    epsilon,
  })

/** Rows projected when they are read. */
export const projectedRows = (
  rows: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  factor = 1,
): Tensor => {
  const shape = [rows.shape[0]!, weight.shape[0]!]
  const inputs = bias ? [rows, weight, bias] : [rows, weight]
  return derive('projectRows', inputs, 'float32', shape, { factor })
}
