import { describe, expect, test } from 'vitest'
import { normalFrom, randomFrom, seedOf, xoshiro128 } from './random.ts'

describe('random', () => {
  test('is xoshiro128**: the reference vector of the rand_xoshiro crate', () => {
    const random = xoshiro128([1, 2, 3, 4])
    expect(Array.from({ length: 10 }, random.next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ])
  })

  test('a seed repeats its stream, neighbouring seeds and 0 give others', () => {
    const stream = (seed: number) => Array.from({ length: 4 }, randomFrom(seed).next)
    expect(stream(5)).toEqual(stream(5))
    const first = [0, 1, 2, 3, -1].map((seed) => stream(seed)[0])
    expect(new Set(first).size).toBe(5)
    expect(stream(0)).not.toContain(0)
  })

  test('numbers below a bound are uniform: chi-squared of 100,000 draws over 10 cells', () => {
    const random = randomFrom(1)
    const cells = new Array(10).fill(0)
    for (let i = 0; i < 100_000; i++) cells[random.below(10)]++
    const chi2 = cells.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
    // the 99.9 % point of chi-squared with 9 degrees of freedom
    expect(chi2).toBeLessThan(27.88)
  })
})

test('seedOf tells orders and neighbours apart', () => {
  const keys = new Set([
    seedOf(1, 2),
    seedOf(2, 1),
    seedOf(1, 3),
    seedOf(1),
    seedOf(0, 1),
    seedOf(1, 0),
  ])
  expect(keys.size).toBe(6)
})

test('normalFrom has the moments of the normal distribution', () => {
  const normal = normalFrom(randomFrom(1))
  const values = Array.from({ length: 100_000 }, normal)
  const moment = (k: number) => values.reduce((sum, x) => sum + x ** k, 0) / values.length
  expect(moment(1)).toBeCloseTo(0, 1)
  expect(moment(2)).toBeCloseTo(1, 1)
  expect(moment(4) / 3).toBeCloseTo(1, 1)
})
