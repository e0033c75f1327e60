import { describe, expect, test } from 'vitest'
import { truncatedLengths } from './truncate-pair.ts'

describe('truncatedLengths', () => {
  // [first, second, budget, kept of first, kept of second] by the Rust tokenizers 0.23.3
  const reference = [
    [0, 0, 4, 0, 0],
    [3, 10, 8, 3, 5],
    [10, 3, 8, 5, 3],
    [10, 10, 8, 4, 4],
    [10, 10, 9, 4, 5],
    [10, 11, 9, 4, 5],
    [11, 10, 9, 5, 4],
    [4, 5, 8, 4, 4],
    [5, 4, 8, 4, 4],
    [4, 20, 8, 4, 4],
    [20, 4, 8, 4, 4],
    [5, 20, 9, 4, 5],
    [20, 5, 9, 5, 4],
    [1, 20, 3, 1, 2],
    [20, 1, 3, 2, 1],
    [0, 9, 4, 0, 4],
    [9, 0, 4, 4, 0],
    [7, 7, 1, 0, 1],
    [8, 9, 15, 7, 8],
    [100, 100, 7, 3, 4],
    [3, 3, 3, 1, 2],
    [3, 4, 5, 2, 3],
    [6, 5, 10, 5, 5],
    [9, 30, 12, 6, 6],
    [30, 9, 12, 6, 6],
  ] as const

  test.each(reference)('longest_first: %i and %i in %i', (first, second, budget, a, b) => {
    expect(truncatedLengths(first, second, budget)).toEqual([a, b])
  })

  test('longest_first fills the budget, never lengthens, and cuts the longer text first', () => {
    for (let first = 0; first < 24; first++) {
      for (let second = 0; second < 24; second++) {
        for (let budget = 1; budget < 30; budget++) {
          const [a, b] = truncatedLengths(first, second, budget)
          expect(a + b).toBe(Math.min(first + second, budget))
          expect(a <= first && b <= second).toBe(true)
          if (a < first && b < second) expect(Math.abs(a - b)).toBeLessThanOrEqual(1)
          if (a < first && b === second) expect(a).toBeGreaterThanOrEqual(b - 1)
        }
      }
    }
  })

  test('one text alone is cut to the budget, and nothing is cut that fits', () => {
    expect(truncatedLengths(9, undefined, 4)).toEqual([4, 0])
    expect(truncatedLengths(4, undefined, 4)).toEqual([4, 0])
    expect(truncatedLengths(2, 2, Number.POSITIVE_INFINITY)).toEqual([2, 2])
  })

  test('one side alone is cut, and too little of it is an error', () => {
    expect(truncatedLengths(12, 9, 11, 'only_first')).toEqual([2, 9])
    expect(truncatedLengths(9, 12, 11, 'only_second')).toEqual([9, 2])
    expect(() => truncatedLengths(12, 9, 11, 'only_second')).toThrow(
      /cannot cut a pair of 12 and 9/,
    )
  })
})
