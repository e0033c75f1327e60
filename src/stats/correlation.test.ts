import { describe, expect, test } from 'vitest'
import {
  pearson,
  pearsonInterval,
  ranks,
  spearman,
  spearmanInterval,
  spearmanStatistic,
} from './correlation.ts'
import { randomFrom } from './random.ts'

const x = [2.1, 3.5, 1.2, 5.5, 4.0, 3.5, 7.1, 6.2, 0.4, 3.3]
const y = [1.0, 3.0, 2.0, 6.0, 3.0, 4.0, 6.0, 6.5, 1.0, 2.0]

// scipy 1.17.1: rankdata, pearsonr with confidence_interval, spearmanr
describe('correlation', () => {
  test('ranks average ties', () => {
    expect([...ranks(y)]).toEqual([1.5, 5.5, 3.5, 8.5, 5.5, 7, 8.5, 10, 1.5, 3.5])
  })

  test('Pearson with its interval', () => {
    const r = pearson(x, y)
    expect(r).toBeCloseTo(0.9202828788344211, 12)
    expect(pearsonInterval(r, 10).low).toBeCloseTo(0.6911086220907346, 9)
    expect(pearsonInterval(r, 10).high).toBeCloseTo(0.9813065190442584, 9)
  })

  test('Spearman with ties, and its interval by the formula of Bonett and Wright', () => {
    const r = spearman(x, y)
    expect(r).toBeCloseTo(0.9200391977712364, 12)
    expect(spearmanInterval(r, 10).low).toBeCloseTo(0.6078571162519307, 9)
    expect(spearmanInterval(r, 10).high).toBeCloseTo(0.9858782077120481, 9)
  })

  test('Anscombe (1973): four data sets of one correlation, 0.816', () => {
    const first = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    expect(
      pearson(first, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]),
    ).toBeCloseTo(0.816, 3)
    expect(
      pearson(first, [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74]),
    ).toBeCloseTo(0.816, 3)
  })

  test('a constant series has no correlation, also when its mean is no float', () => {
    expect(pearson([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], x.slice(0, 6))).toBeNaN()
    expect(spearman([1, 2, 3], [4, 4, 4])).toBeNaN()
    expect(pearsonInterval(Number.NaN, 10)).toEqual({ low: -1, high: 1 })
    expect(pearsonInterval(0.5, 3)).toEqual({ low: -1, high: 1 })
  })

  test('perfect correlations, and series that do not pair', () => {
    expect(pearson([1, 2, 3], [2, 4, 6])).toBe(1)
    expect(spearman([1, 2, 3, 4], [8, 4, 2, 1])).toBe(-1)
    expect(() => pearson([1, 2], [1])).toThrow(/one length, got 2 and 1/)
  })

  test('counted examples are the same as repeated ones', () => {
    const statistic = spearmanStatistic(x, y)
    const random = randomFrom(2)
    for (let trial = 0; trial < 20; trial++) {
      const counts = new Float64Array(x.length)
      for (let i = 0; i < x.length; i++) counts[random.below(x.length)]! += 1
      const repeat = (values: number[]) =>
        values.flatMap((value, i) => new Array<number>(counts[i]!).fill(value))
      expect(statistic(counts)).toBeCloseTo(spearman(repeat(x), repeat(y)), 12)
    }
  })
})
