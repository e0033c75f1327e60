/**
 * Rounding of a weight in blocks for a search, which tries many ways: what rounding adds to each weight, and the codes
 * of the way that was best. Weights may be multiplied column by column first, and ranges shrunk block by block, so that
 * outliers are clipped and the rest gets finer steps.
 */
import { type BlockQuantization, rangeOf } from '../onnx/quantize-blocks.ts'

/** What is tried. */
export interface RoundingTrial {
  /** Factor of each column. */
  readonly scale?: Float32Array | undefined
  /** Factor of each block's range, `[out, groups]`. */
  readonly shrink?: Float32Array | undefined
}

/** Codes and what turns them back: `w ≈ (code − zero) · scale`. */
export interface RoundedBlocks {
  /** `[out, in]`, unsigned. */
  readonly codes: Uint8Array
  /** `[out, groups]`. */
  readonly scales: Float32Array
  readonly zeroPoints: Uint8Array
}

/** Rounds to the nearest. */
export function roundBlocks(
  weight: Float32Array,
  shape: readonly [number, number],
  how: BlockQuantization,
  trial: RoundingTrial = {},
): RoundedBlocks {
  const blocks = shape[0] * Math.ceil(shape[1] / how.block)
  const codes = new Uint8Array(weight.length)
  const scales = new Float32Array(blocks)
  const zeroPoints = new Uint8Array(blocks)
  eachBlock(weight, shape, how, trial, (block, at, rounded, scale, zero) => {
    codes.set(rounded, at)
    scales[block] = scale
    zeroPoints[block] = zero
  })
  return { codes, scales, zeroPoints }
}

/** What rounding adds to each weight, seen from before the columns were multiplied; written into `error`. */
export function roundingError(
  weight: Float32Array,
  shape: readonly [number, number],
  how: BlockQuantization,
  trial: RoundingTrial,
  error: Float32Array,
): Float32Array {
  const width = shape[1]
  const { scale: factor } = trial
  eachBlock(weight, shape, how, trial, (_, at, rounded, scale, zero) => {
    const column = at % width
    for (let i = 0; i < rounded.length; i++) {
      const near = (rounded[i]! - zero) * scale
      error[at + i] = (factor ? near / factor[column + i]! : near) - weight[at + i]!
    }
  })
  return error
}

/** Rounds block by block; the arrays of a visit are used again. */
function eachBlock(
  weight: Float32Array,
  [outSize, inSize]: readonly [number, number],
  how: BlockQuantization,
  { scale: factor, shrink }: RoundingTrial,
  visit: (block: number, at: number, codes: Uint8Array, scale: number, zero: number) => void,
): void {
  const groups = Math.ceil(inSize / how.block)
  const top = 2 ** how.bits - 1
  const space = new Float32Array(how.block)
  const codeSpace = new Uint8Array(how.block)
  for (let row = 0; row < outSize; row++) {
    for (let group = 0; group < groups; group++) {
      const column = group * how.block
      const size = Math.min(how.block, inSize - column)
      const at = row * inSize + column
      const values = size === how.block ? space : space.subarray(0, size)
      const codes = size === how.block ? codeSpace : codeSpace.subarray(0, size)
      if (factor) for (let i = 0; i < size; i++) values[i] = weight[at + i]! * factor[column + i]!
      else for (let i = 0; i < size; i++) values[i] = weight[at + i]!
      const block = row * groups + group
      const { scale: whole, zero } = rangeOf(values, how)
      const scale = shrink ? Math.fround(whole * shrink[block]!) : whole
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
      for (let i = 0; i < size; i++) {
        const code = Math.round(Math.fround(Math.fround(values[i]! * inverse) + zero))
        codes[i] = code < 0 ? 0 : code > top ? top : code
      }
      visit(block, at, codes, scale, zero)
    }
  }
}
