import { describe, expect, test } from 'vitest'
import { bootstrapInterval, bootstrapKindsInterval, bootstrapReplicates } from './bootstrap.ts'
import { pearsonStatistic } from './correlation.ts'
import { meanInterval } from './interval.ts'

const meanOf = (values: readonly number[]) => (counts: Float64Array) => {
  let [sum, total] = [0, 0]
  for (const [i, value] of values.entries()) {
    sum += counts[i]! * value
    total += counts[i]!
  }
  return sum / total
}

describe('bootstrap', () => {
  // Efron 1979, the 15 law schools: LSAT and GPA
  const lsat = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
  const gpa = [
    3.39, 3.3, 2.81, 3.03, 3.44, 3.07, 3.0, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96,
  ]

  test('law schools: correlation 0.776, bootstrap standard error about 0.13', () => {
    const statistic = pearsonStatistic(lsat, gpa)
    expect(statistic(new Float64Array(15).fill(1))).toBeCloseTo(0.776, 3)
    const values = bootstrapReplicates(15, statistic, { resamples: 3200, seed: 1 })
    const centre = values.reduce((sum, value) => sum + value, 0) / values.length
    const error = Math.sqrt(
      values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1),
    )
    // Efron and Tibshirani 1993, table 6.1: 0.132 for 3200 resamples
    expect(error).toBeCloseTo(0.132, 2)
  })

  test('the interval of a mean agrees with Student for many values', () => {
    const values = Array.from({ length: 400 }, (_, i) => ((i * 7919) % 1009) / 1009)
    const { low, high } = bootstrapInterval(400, meanOf(values), { resamples: 5000 })
    const expected = meanInterval(values)
    expect(Math.abs(low - expected.low)).toBeLessThan(0.003)
    expect(Math.abs(high - expected.high)).toBeLessThan(0.003)
  })

  test('the same seed gives the same interval; undefined resamples are left out', () => {
    const statistic = pearsonStatistic([1, 2, 3], [1, 3, 2])
    expect(bootstrapInterval(3, statistic, { seed: 4 })).toEqual(
      bootstrapInterval(3, statistic, { seed: 4 }),
    )
    const replicates = bootstrapReplicates(3, statistic, { resamples: 1000 })
    expect(replicates.length).toBeLessThan(1000)
    expect(replicates.every(Number.isFinite)).toBe(true)
    expect(bootstrapInterval(3, () => Number.NaN).high).toBe(Number.POSITIVE_INFINITY)
  })

  test('examples of a kind may be drawn together: the same interval', () => {
    // right and wrong answers of two classes; F1 of the second
    const sizes = Float64Array.of(400, 60, 40, 100)
    const f1 = (cells: ArrayLike<number>) =>
      (2 * cells[3]!) / (2 * cells[3]! + cells[1]! + cells[2]!)
    const kindOf = [...sizes].flatMap((size, kind) => new Array<number>(size).fill(kind))
    const cells = new Float64Array(4)
    const byExample = (counts: Float64Array) => {
      cells.fill(0)
      for (const [i, kind] of kindOf.entries()) cells[kind]! += counts[i]!
      return f1(cells)
    }
    const options = { resamples: 20_000 }
    const one = bootstrapInterval(600, byExample, options)
    const other = bootstrapKindsInterval(sizes, f1, options)
    // about three standard errors of a 2.5 % quantile of 20,000 values
    expect(Math.abs(other.low - one.low)).toBeLessThan(0.003)
    expect(Math.abs(other.high - one.high)).toBeLessThan(0.003)
    expect(one.high - one.low).toBeGreaterThan(0.1)
  })
})
