import { describe, expect, test } from 'vitest'
import { median, quantile, quantileInterval } from './quantile.ts'
import { randomFrom } from './random.ts'

const oneTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

describe('quantile', () => {
  // numpy.quantile, its default method
  test.each([
    [0, 1],
    [0.05, 1],
    [0.25, 2.25],
    [0.5, 3.75],
    [0.95, 7.65],
    [1, 9],
  ])('%d-quantile', (p, expected) => {
    expect(quantile([3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5], p)).toBeCloseTo(expected, 12)
  })

  test('a median of one value is that value', () => {
    expect(median([7])).toBe(7)
    expect(() => median([])).toThrow(/got none/)
  })
})

describe('quantileInterval', () => {
  // ranks for the median as tabulated by Campbell and Gardner (1988, BMJ 296:1454), and both by
  // scipy.stats.quantile_test(...).confidence_interval
  test.each([
    [6, 1, 6],
    [10, 2, 9],
    [20, 6, 15],
    [50, 18, 33],
    [100, 40, 61],
  ])('median of %i values: ranks %i and %i', (n, low, high) => {
    expect(quantileInterval(oneTo(n).reverse(), 0.5)).toEqual({ low, high })
  })

  test.each([
    [50, 44, Number.POSITIVE_INFINITY],
    [73, 65, 73],
    [100, 90, 100],
    [200, 184, 197],
    [1000, 936, 964],
  ])('p95 of %i values: ranks %i and %i', (n, low, high) => {
    expect(quantileInterval(oneTo(n), 0.95)).toEqual({ low, high })
  })

  test('too few values leave the median unbounded', () => {
    expect(quantileInterval([1, 2, 3], 0.5)).toEqual({
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    })
  })

  test('covers the true p95 of an exponential at least 95 times in 100, and not always', () => {
    const random = randomFrom(3)
    const truth = -Math.log(0.05)
    let covered = 0
    for (let trial = 0; trial < 1000; trial++) {
      const values = Array.from({ length: 200 }, () => -Math.log(1 - random.uniform()))
      const { low, high } = quantileInterval(values, 0.95)
      if (low <= truth && truth <= high) covered++
    }
    expect(covered).toBeGreaterThan(930)
    expect(covered).toBeLessThan(985)
  })
})
