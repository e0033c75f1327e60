import { expect, test } from 'vitest'
import { kendallTau } from './kendall.ts'

// values by scipy.stats.kendalltau 1.17 (tau-b)
test.each([
  [[1, 2, 3, 4], [1, 3, 2, 4], 2 / 3],
  [[3, 1, 2], [1, 3, 2], -1],
  [[12, 2, 1, 12, 2, 5, 7, 7], [1, 4, 7, 1, 0, 3, 3, 9], -0.31378581622109447],
  [
    Array.from({ length: 100 }, (_, i) => (i * 7919) % 31),
    Array.from({ length: 100 }, (_, i) => (i * 104729) % 17),
    0.0404607891504739,
  ],
])('is tau-b, case %#', (x, y, tau) => {
  expect(kendallTau(x, y)).toBeCloseTo(tau, 12)
  expect(kendallTau(y, x)).toBeCloseTo(tau, 12)
})

test('a constant series has none', () => {
  expect(kendallTau([1, 1, 1], [1, 2, 3])).toBeNaN()
  expect(() => kendallTau([1], [1, 2])).toThrow(/correlation/)
})
