/**
 * GPTQ: codes of a weight that answer for each other's rounding (Frantar et al. 2023,
 * https://arxiv.org/abs/2210.17323, algorithm 1).
 *
 * Columns are rounded one after the other; what a column loses is taken from those not yet rounded, weighed by
 * the inverse of the layer's Hessian `H = XᵀX`. A group's scale and zero point are found when its first column is
 * reached, from the weights as they then stand. Double precision throughout; updates are gathered in blocks of
 * 128 columns, which changes nothing but the speed.
 */
import { LimbeckError } from '../errors.ts'

export interface GptqOptions {
  readonly bits: 4 | 8
  /** Inputs that share a scale. */
  readonly group: number
  readonly symmetric: boolean
  /** Part of the mean diagonal that is added to the diagonal; default 0.01. */
  readonly damping?: number | undefined
}

/** Codes and what turns them back: `w ≈ (code − zero) · scale`. */
export interface GptqResult {
  /** `[out, in]`, unsigned. */
  readonly codes: Uint8Array
  /** `[out, groups]`. */
  readonly scales: Float64Array
  readonly zeroPoints: Uint8Array
}

const BLOCK = 128

/**
 * Rounds a weight.
 * @param weight `[out, in]`, row-major.
 * @param hessian `[in, in]`, the sum of `xᵀx` over the calibration's tokens; any scale.
 * @throws LimbeckError when the Hessian has no finite inverse.
 */
export function gptq(
  weight: ArrayLike<number>,
  [outSize, inSize]: readonly [number, number],
  hessian: Float64Array,
  options: GptqOptions,
): GptqResult {
  const { bits, group } = options
  const groups = Math.ceil(inSize / group)
  const factor = inverseFactor(hessian, inSize, options.damping ?? 0.01)
  // by column: the loop goes over columns
  const columns = Array.from({ length: inSize }, (_, i) =>
    Float64Array.from({ length: outSize }, (_, row) => weight[row * inSize + i]!),
  )
  const codes = new Uint8Array(outSize * inSize)
  const scales = new Float64Array(outSize * groups)
  const zeroPoints = new Uint8Array(outSize * groups)
  const top = 2 ** bits - 1
  for (let start = 0; start < inSize; start += BLOCK) {
    const end = Math.min(inSize, start + BLOCK)
    const errors: Float64Array[] = []
    for (let i = start; i < end; i++) {
      const g = Math.floor(i / group)
      const column = columns[i]!
      if (i % group === 0) {
        // groups begin with a block or lie within one: what is seen here waits for no errors
        const members = columns.slice(i, Math.min(inSize, i + group))
        for (let row = 0; row < outSize; row++) {
          const range = rangeOf(members, row, options)
          scales[row * groups + g] = range.scale
          zeroPoints[row * groups + g] = range.zero
        }
      }
      const pivot = factor[i * inSize + i]!
      const error = new Float64Array(outSize)
      for (let row = 0; row < outSize; row++) {
        const scale = scales[row * groups + g]!
        const zero = zeroPoints[row * groups + g]!
        const code = Math.max(0, Math.min(top, roundEven(column[row]! / scale) + zero))
        codes[row * inSize + i] = code
        error[row] = (column[row]! - (code - zero) * scale) / pivot
      }
      errors.push(error)
      for (let j = i + 1; j < end; j++) subtract(columns[j]!, error, factor[i * inSize + j]!)
    }
    for (let j = end; j < inSize; j++) {
      for (let k = 0; k < errors.length; k++) {
        subtract(columns[j]!, errors[k]!, factor[(start + k) * inSize + j]!)
      }
    }
  }
  return { codes, scales, zeroPoints }
}

function subtract(column: Float64Array, error: Float64Array, by: number): void {
  if (by === 0) return
  for (let row = 0; row < column.length; row++) column[row]! -= error[row]! * by
}

const roundEven = (x: number): number => {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Scale and zero point of a group of one row; a group of zeros has scale 1. */
function rangeOf(
  members: readonly Float64Array[],
  row: number,
  { bits, symmetric }: GptqOptions,
): { readonly scale: number; readonly zero: number } {
  const top = 2 ** bits - 1
  let min = 0
  let max = 0
  for (const column of members) {
    const value = column[row]!
    if (value < min) min = value
    if (value > max) max = value
  }
  if (symmetric) {
    const largest = Math.max(-min, max)
    return { scale: largest === 0 ? 1 : (2 * largest) / top, zero: 2 ** (bits - 1) }
  }
  if (min === max) return { scale: 1, zero: 0 }
  const scale = (max - min) / top
  return { scale, zero: Math.max(0, Math.min(top, roundEven(-min / scale))) }
}

/**
 * The upper factor U of the damped Hessian's inverse, `H⁻¹ = UᵀU`, row-major: with `H = R·Rᵀ`, R upper, it is
 * `R⁻¹`. Inputs that are always zero get a diagonal of 1.
 */
function inverseFactor(hessian: Float64Array, size: number, damping: number): Float64Array {
  const r = Float64Array.from(hessian)
  let mean = 0
  for (let i = 0; i < size; i++) {
    if (r[i * size + i] === 0) r[i * size + i] = 1
    mean += r[i * size + i]! / size
  }
  for (let i = 0; i < size; i++) r[i * size + i]! += damping * mean
  decompose(r, size)
  return invertUpper(r, size)
}

/** `H = R·Rᵀ` in place, from the last column to the first. */
function decompose(h: Float64Array, size: number): void {
  for (let j = size - 1; j >= 0; j--) {
    const rowJ = h.subarray(j * size, (j + 1) * size)
    const pivot = Math.sqrt(rowJ[j]! - dot(rowJ, rowJ, j + 1, size))
    if (!(pivot > 0) || !Number.isFinite(pivot)) {
      throw new LimbeckError('input', "a layer's calibration activations have no usable Hessian.", {
        hint: 'Calibrate with more and other texts, or leave the layer out with --exclude.',
      })
    }
    rowJ[j] = pivot
    for (let i = 0; i < j; i++) {
      const rowI = h.subarray(i * size, (i + 1) * size)
      rowI[j] = (rowI[j]! - dot(rowI, rowJ, j + 1, size)) / pivot
    }
  }
}

function dot(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let sum = 0
  for (let k = from; k < to; k++) sum += a[k]! * b[k]!
  return sum
}

/** The inverse of an upper triangle, row by row from the last. */
function invertUpper(r: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size)
  for (let i = size - 1; i >= 0; i--) {
    const row = inverse.subarray(i * size, (i + 1) * size)
    row[i] = 1
    for (let k = i + 1; k < size; k++) {
      const factor = r[i * size + k]!
      const other = inverse.subarray(k * size, (k + 1) * size)
      for (let j = k; j < size; j++) row[j]! -= factor * other[j]!
    }
    const pivot = r[i * size + i]!
    for (let j = i; j < size; j++) row[j]! /= pivot
  }
  return inverse
}
