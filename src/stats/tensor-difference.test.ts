import { describe, expect, it } from 'vitest'
import { addSums, type DifferenceSums, tensorDifference } from './tensor-difference.ts'

/** Sums as the graph gives them, of two lists. */
function sumsOf(a: readonly number[], b: readonly number[], t = 0.1): DifferenceSums {
  const errors = a.map((x, i) => Math.abs(x - b[i]!))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    count: a.length,
    signal: sum(a.map((x) => x * x)),
    other: sum(b.map((x) => x * x)),
    noise: sum(errors.map((x) => x * x)),
    largest: Math.max(...errors),
    outside: errors.filter((error, i) => error > t * (1 + Math.abs(a[i]!))).length,
    nonFinite: 0,
  }
}

describe('tensorDifference', () => {
  it('says ratio, cosine and errors of the batches together', () => {
    const sums = addSums(sumsOf([3, 4], [3, 4.5]), sumsOf([0, -1], [1, -1]))
    const found = tensorDifference(sums)
    expect(found.count).toBe(4)
    expect(found.sqnr).toBeCloseTo(10 * Math.log10(26 / 1.25), 10)
    expect(found.relative).toBeCloseTo(Math.sqrt(1.25 / 26), 10)
    const cosine = (9 + 18 + 1) / Math.sqrt(26 * (9 + 20.25 + 1 + 1))
    expect(found.cosine).toBeCloseTo(cosine, 10)
    expect(found.maxAbs).toBe(1)
    // 0.5 is allowed at 4, 1 is not at 0
    expect(found.outside).toBe(0.25)
  })

  it('knows equal tensors, zeros too', () => {
    expect(tensorDifference(sumsOf([1, 2], [1, 2]))).toMatchObject({ cosine: 1, relative: 0 })
    expect(tensorDifference(sumsOf([0], [0]))).toMatchObject({ cosine: 1, sqnr: Infinity })
    expect(tensorDifference(sumsOf([0, 0], [1, 0]))).toMatchObject({
      cosine: 0,
      relative: Infinity,
    })
  })

  it('tells numbers that are none', () => {
    const wrong = { ...sumsOf([1], [1]), nonFinite: 3 }
    expect(tensorDifference(wrong)).toMatchObject({
      count: 4,
      outside: 0.75,
      nonFinite: 3,
      sqnr: Number.NEGATIVE_INFINITY,
      maxAbs: Number.POSITIVE_INFINITY,
    })
  })
})
