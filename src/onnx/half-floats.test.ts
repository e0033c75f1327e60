import { describe, expect, it } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import {
  bfloatToFloat,
  doubleToOddFloat,
  floatToBfloat,
  floatToHalf,
  halfToFloat,
} from './half-floats.ts'

const all = Uint16Array.from({ length: 65536 }, (_, i) => i)

/** The value of a half float by its definition. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

describe('half floats', () => {
  it('widen to the value of their definition, all 65,536', () => {
    const wide = halfToFloat(all)
    const wrong = [...all].filter((bits) => !Object.is(wide[bits], halfValue(bits)))
    expect(wrong).toEqual([])
  })

  it('come back from float32 bit for bit, NaN as quiet NaN', () => {
    const back = floatToHalf(halfToFloat(all))
    const wrong = [...all].filter((bits) => {
      const nan = (bits & 0x7fff) > 0x7c00
      return back[bits] !== (nan ? bits | 0x200 : bits)
    })
    expect(wrong).toEqual([])
  })

  it('round to the nearest, ties to even, between every two neighbours', () => {
    const wrong: number[] = []
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = halfValue(bits)
      const high = halfValue(bits + 1)
      const middle = (low + high) / 2
      const even = bits & 1 ? bits + 1 : bits
      const step = 2 ** -40 + middle * 2 ** -23
      const got = floatToHalf(Float32Array.of(middle, middle - step, middle + step, -middle))
      const expected = [even, bits, bits + 1, even | 0x8000]
      if (expected.some((value, i) => value !== got[i])) wrong.push(bits)
    }
    expect(wrong).toEqual([])
    expect([...floatToHalf(Float32Array.of(65504, 65519, 65520, 1e10, -1e10, 1e-10))]).toEqual([
      0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0,
    ])
  })

  it('round once from float64', () => {
    // just above the tie: rounding to float32 first would make it a tie and round it down to 1
    const above = 1 + 2 ** -11 + 2 ** -40
    expect(floatToHalf(Float32Array.of(above))[0]).toBe(0x3c00)
    expect([...floatToHalf(doubleToOddFloat(Float64Array.of(above, -above, 1, 1e300)))]).toEqual([
      0x3c01, 0xbc01, 0x3c00, 0x7c00,
    ])
  })
})

describe('bfloat16', () => {
  it('widens by its bits and comes back, all 65,536', () => {
    const wide = bfloatToFloat(all)
    expect(wide[0x3f80]).toBe(1)
    expect(wide[0xc000]).toBe(-2)
    const back = floatToBfloat(wide)
    const wrong = [...all].filter((bits) => {
      const nan = (bits & 0x7fff) > 0x7f80
      return back[bits] !== (nan ? bits | 0x40 : bits)
    })
    expect(wrong).toEqual([])
  })

  it('rounds to the nearest, ties to even', () => {
    const bits = Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f7fffff)
    const floats = new Float32Array(bits.buffer)
    expect([...floatToBfloat(floats)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80])
  })
})

it('converts 22 million half floats well under 150 ms on an idle core', () => {
  const half = new Uint16Array(22_000_000).map((_, i) => i)
  const into = new Float32Array(half.length)
  halfToFloat(half.subarray(0, 100_000), into)
  const times = [0, 1, 2].map(() => {
    const spent = cpuClock()
    halfToFloat(half, into)
    return spent()
  })
  expect(Math.min(...times)).toBeLessThan(400)
})
