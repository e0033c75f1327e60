/** Against numbers of numpy in double precision. */
import { describe, expect, it } from 'vitest'
import { cosineLoss, klDivergence, signalToNoise, squaredLoss } from './divergence.ts'

describe('divergence', () => {
  it('KL of softmaxes, whatever is added to all logits', () => {
    expect(klDivergence([1, 2, 3], [1, 2, 3])).toBe(0)
    expect(klDivergence([1, 2, 3], [3, 2, 1])).toBeCloseTo(1.1504207652088825, 12)
    expect(klDivergence([1001, 1002, 1003], [-997, -998, -999])).toBeCloseTo(1.1504207652088825, 10)
    expect(klDivergence([0.5, -1.25], [2, 0.75])).toBeCloseTo(0.01768133189144115, 12)
    expect(klDivergence([0, -2000], [0, 0])).toBeCloseTo(Math.LN2, 12)
  })

  it('decibels', () => {
    expect(signalToNoise(100, 1)).toBe(20)
    expect(signalToNoise(2, 4)).toBeCloseTo(-3.010299956639812, 12)
    expect(signalToNoise(1, 0)).toBe(Number.POSITIVE_INFINITY)
  })

  it('vectors and scores', () => {
    expect(cosineLoss([1, 2, 3], [-2, 0.5, 4])).toBeCloseTo(0.34669474199185146, 12)
    expect(cosineLoss([0, 0], [0, 0])).toBe(0)
    expect(cosineLoss([0, 0], [1, 0])).toBe(1)
    expect(squaredLoss([1, 2], [4, 0])).toBe(6.5)
  })
})
