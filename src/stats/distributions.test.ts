import { describe, expect, test } from 'vitest'
import { binomialCdf, normalQuantile, studentQuantile, twoSidedZ } from './distributions.ts'

// expected values by scipy 1.17.1: norm.ppf, t.ppf, binom.cdf
describe('distributions', () => {
  test.each([
    [1e-6, -4.753424308822899],
    [0.025, -1.9599639845400545],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.9, 1.2815515655446004],
    [0.9999, 3.719016485455709],
  ])('normal quantile of %d', (p, expected) => {
    expect(normalQuantile(p)).toBeCloseTo(expected, 12)
  })

  test.each([
    [0.975, 1, 12.706204736174694],
    [0.975, 2, 4.302652729749462],
    [0.975, 5, 2.5705818356363146],
    [0.975, 30, 2.0422724563012378],
    [0.975, 871, 1.9626913268227508],
    [0.9, 4, 1.533206274058944],
    [0.025, 30, -2.0422724563012378],
  ])('Student quantile of %d with %i degrees', (p, degrees, expected) => {
    expect(studentQuantile(p, degrees)).toBeCloseTo(expected, 9)
  })

  test.each([
    [0, 10, 0.5, 0.0009765625],
    [3, 10, 0.5, 0.171875],
    [95, 100, 0.95, 0.5640186993142888],
    [450, 1000, 0.5, 0.0008652680424881513],
    [9700, 10_000, 0.975, 0.0010141791602830633],
    [-1, 10, 0.5, 0],
    [10, 10, 0.5, 1],
  ])('P(X <= %i) of %i trials of %d', (k, n, p, expected) => {
    expect(binomialCdf(k, n, p)).toBeCloseTo(expected, 11)
  })

  test('z of 95 %', () => {
    expect(twoSidedZ(0.95)).toBeCloseTo(1.959963984540054, 12)
  })
})
