/**
 * Scale and zero point of uint8 activations from their range: asymmetric, with 0 exactly on a code.
 *
 *     scale = (max − min) / 255,  zero = round(−min / scale),  x ≈ (code − zero) · scale
 *
 * The arithmetic is that of the ONNX quantizers (double, halves to the nearest even); the scale is then stored
 * as float32. After Jacob et al. 2018, section 2.1.
 */
import { LimbeckError } from '../errors.ts'
import type { ValueQuantization } from '../graph/graph.ts'

export interface ActivationScale {
  readonly scale: number
  readonly zeroPoint: number
}

const LEVELS = 255
/** Below 2^-126 a scale has no digits left to divide by. */
const LEAST_SCALE = 2 ** -126

/**
 * The scale and zero point of a range; `name` is what it is the range of.
 * @throws LimbeckError `input` for a range that is none.
 */
export function activationScale(range: ValueQuantization, name: string): ActivationScale {
  checkRange(range, name)
  const min = Math.min(range.min, 0)
  const max = Math.max(range.max, 0)
  const scale = (max - min) / LEVELS
  // nothing but zeros was seen: any scale keeps them
  if (scale < LEAST_SCALE) return { scale: 1, zeroPoint: 0 }
  return { scale: Math.fround(scale), zeroPoint: roundHalfEven((0 - min) / scale) }
}

/** @throws LimbeckError `input` naming what a range that is none is the range of. */
export function checkRange({ min, max }: ValueQuantization, name: string): void {
  if (Number.isFinite(min) && Number.isFinite(max) && min <= max) return
  throw new LimbeckError(
    'input',
    `The range of ${name} is ${min} to ${max}, expected two finite numbers in ascending order.`,
    { hint: 'Calibrate again; a model that gives NaN or infinity in fp32 cannot be quantized.' },
  )
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
