/** Scales of activations: the reference's arithmetic, and ranges that are none. */
import { describe, expect, it } from 'vitest'
import { activationScale } from './activation-scale.ts'

describe('activationScale', () => {
  it('puts 0 on a code, and rounds halves to the even one', () => {
    expect(activationScale({ min: -1, max: 1 }, 'x')).toEqual({
      scale: Math.fround(2 / 255),
      zeroPoint: 128,
    })
    // −min / scale = 0.5, 1.5 and 126.5
    expect(activationScale({ min: -0.5, max: 254.5 }, 'x').zeroPoint).toBe(0)
    expect(activationScale({ min: -1.5, max: 253.5 }, 'x').zeroPoint).toBe(2)
    expect(activationScale({ min: -126.5, max: 128.5 }, 'x').zeroPoint).toBe(126)
  })

  it('holds 0 where the values do not', () => {
    expect(activationScale({ min: 2, max: 5.1 }, 'x')).toEqual({
      scale: Math.fround(5.1 / 255),
      zeroPoint: 0,
    })
    expect(activationScale({ min: -5.1, max: -2 }, 'x').zeroPoint).toBe(255)
  })

  it('gives a constant a scale that keeps it', () => {
    expect(activationScale({ min: 0, max: 0 }, 'x')).toEqual({ scale: 1, zeroPoint: 0 })
    expect(activationScale({ min: 0, max: 1e-40 }, 'x')).toEqual({ scale: 1, zeroPoint: 0 })
    const { scale, zeroPoint } = activationScale({ min: -3, max: -3 }, 'x')
    expect((0 - zeroPoint) * scale).toBeCloseTo(-3, 6)
  })

  it.each([
    { min: Number.NaN, max: 1 },
    { min: 0, max: Number.POSITIVE_INFINITY },
    { min: 1, max: -1 },
  ])('names what $min to $max is the range of', (range) => {
    expect(() => activationScale(range, 'the input of q')).toThrow(
      /^The range of the input of q is/,
    )
  })
})
