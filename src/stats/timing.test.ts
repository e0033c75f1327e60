import { describe, expect, test } from 'vitest'
import { median } from './quantile.ts'
import { randomFrom } from './random.ts'
import { medianStatistic, speedup, summarizeTimings } from './timing.ts'

describe('summarizeTimings', () => {
  test('quantiles, mean, least, and order-statistic intervals', () => {
    const samples = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1)
    expect(summarizeTimings(samples)).toEqual({
      n: 100,
      min: 1,
      mean: 50.5,
      p50: 50.5,
      p95: 95.05,
      p50Interval: { low: 40, high: 61 },
      p95Interval: { low: 90, high: 100 },
    })
  })

  test('a short series has open upper ends and no negative times', () => {
    const { p50Interval, p95Interval } = summarizeTimings([3, 4, 5])
    expect(p50Interval).toEqual({ low: 0, high: Number.POSITIVE_INFINITY })
    expect(p95Interval.high).toBe(Number.POSITIVE_INFINITY)
    expect(() => summarizeTimings([])).toThrow(/got none/)
  })
})

describe('speedup', () => {
  test('drift that both series share does not widen the interval', () => {
    const random = randomFrom(6)
    const drift = Array.from({ length: 200 }, (_, i) => 1 + i / 100)
    const base = drift.map((time) => time * (2 + 0.02 * random.uniform()))
    const rival = drift.map((time) => time * (1 + 0.01 * random.uniform()))
    const { speedup: ratio, interval } = speedup(base, rival)
    expect(ratio).toBeCloseTo(2, 1)
    expect(interval.low).toBeLessThan(2)
    expect(interval.high).toBeGreaterThan(2)
    expect(interval.high - interval.low).toBeLessThan(0.1)
  })

  test('covers the true ratio about 95 times in 100', () => {
    const random = randomFrom(8)
    const time = (typical: number) => typical * (1 - Math.log(1 - random.uniform()) / 5)
    let covered = 0
    for (let trial = 0; trial < 300; trial++) {
      const base = Array.from({ length: 60 }, () => time(3))
      const rival = Array.from({ length: 60 }, () => time(2))
      const { interval } = speedup(base, rival, { resamples: 400, seed: trial })
      if (interval.low <= 1.5 && 1.5 <= interval.high) covered++
    }
    expect(covered).toBeGreaterThan(270)
    expect(covered).toBeLessThan(300)
  })

  test('series of different length are refused', () => {
    expect(() => speedup([1, 2], [1])).toThrow(/one length/)
  })
})

describe('medianStatistic', () => {
  test('is the median of the repeated values', () => {
    const random = randomFrom(4)
    for (const n of [1, 2, 7, 10]) {
      const values = Array.from({ length: n }, () => random.uniform())
      const counts = new Float64Array(n)
      for (let i = 0; i < n; i++) counts[random.below(n)]! += 1
      const repeated = values.flatMap((value, i) => new Array<number>(counts[i]!).fill(value))
      expect(medianStatistic(values)(counts)).toBeCloseTo(median(repeated), 14)
    }
  })
})
