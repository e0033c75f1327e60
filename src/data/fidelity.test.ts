import { describe, expect, test } from 'vitest'
import { fidelityMeter, type RowKind } from './fidelity.ts'

const source = [
  [2, -1, 0.5],
  [0, 0.1, -0.2],
]
const variant = [
  [1.8, -0.9, 0.7],
  [0.1, 0.05, -0.2],
]
const compare = (kind: RowKind, a = source, b = variant) => {
  const meter = fidelityMeter(kind)
  for (const [i, row] of a.entries()) meter.add(row, b[i]!)
  return meter.result()
}

// expected divergences and cosines by scipy.special.rel_entr and numpy
describe('fidelityMeter', () => {
  test('exclusive classes: divergence of softmax, agreement of argmax', () => {
    const result = compare('softmax')
    expect(result.n).toBe(2)
    expect(result.maxAbsError).toBeCloseTo(0.2, 12)
    expect(result.cosine.mean).toBeCloseTo((0.9934228851497477 + 0.8783100656536798) / 2, 12)
    expect(result.cosine.min).toBeCloseTo(0.8783100656536798, 12)
    expect(result.divergence).toBeCloseTo(0.007723474604787042, 12)
    expect(result.agreement?.value).toBe(0.5)
  })

  test('classes by themselves: sum of their divergences, agreement of all', () => {
    const result = compare('sigmoid')
    expect(result.divergence).toBeCloseTo(0.004692842723905923, 12)
    expect(result.agreement?.value).toBe(0.5)
  })

  test('plain values have no answer to agree on', () => {
    expect(Object.keys(compare('values'))).toEqual(['n', 'maxAbsError', 'nonFinite', 'cosine'])
  })

  test('equal outputs: no error, full agreement with a lower bound below 1', () => {
    const result = compare('softmax', source, source)
    expect(result).toMatchObject({ maxAbsError: 0, divergence: 0, agreement: { value: 1 } })
    expect(result.cosine.min).toBeCloseTo(1, 12)
    expect(result.agreement?.interval.low).toBeLessThan(0.5)
  })

  test('what is not finite is told and agrees with nothing', () => {
    const result = compare('softmax', source, [[Number.NaN, 0, 0], variant[1]!])
    expect(result).toMatchObject({ n: 2, nonFinite: 1, maxAbsError: Number.POSITIVE_INFINITY })
    expect(result.agreement?.value).toBe(0)
    expect(result.cosine.mean).toBeCloseTo(0.8783100656536798, 12)
  })

  test('extreme logits keep the divergence finite', () => {
    expect(compare('sigmoid', [[900]], [[-900]]).divergence).toBeCloseTo(900, 9)
    expect(compare('softmax', [[900, 0]], [[0, 900]]).divergence).toBeCloseTo(900, 9)
  })
})
