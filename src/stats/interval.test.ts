import { describe, expect, test } from 'vitest'
import { mean, meanInterval, standardDeviation, wilsonInterval } from './interval.ts'

describe('wilsonInterval', () => {
  // 81/263 and 15/148 are Newcombe's examples (1998, Statistics in Medicine 17:857, table I, method 3)
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [20, 20, 0.8389, 1],
    [787, 872, 0.881034928, 0.920479995],
  ])('%i of %i', (successes, trials, low, high) => {
    const interval = wilsonInterval(successes, trials)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  })

  test('no trial bounds nothing', () => {
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 })
  })
})

describe('mean', () => {
  test('with its t interval (scipy.stats.t.interval)', () => {
    const values = [2, 4, 4, 5, 7, 9]
    expect(mean(values)).toBeCloseTo(31 / 6, 14)
    expect(meanInterval(values).low).toBeCloseTo(2.5606268548543683, 9)
    expect(meanInterval(values).high).toBeCloseTo(7.772706478478966, 9)
  })

  test('a single value has no spread and no interval', () => {
    expect(standardDeviation([3])).toBe(0)
    expect(meanInterval([3]).high).toBe(Number.POSITIVE_INFINITY)
    expect(() => meanInterval([])).toThrow(/expected numbers, got none/)
    expect(() => meanInterval([1, Number.NaN])).toThrow(/NaN at position 1/)
  })
})
