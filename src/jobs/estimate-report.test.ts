import { expect, test } from 'vitest'
import { estimateSeconds } from './estimate-report.ts'

test('short runs take the seconds that were asked for, and the starts of their processes', () => {
  const seconds = estimateSeconds({ rows: [[1, 1]], seconds: 4 })
  expect(seconds).toBeGreaterThan(4)
  expect(seconds).toBeLessThan(6)
})

test('long runs take what their least rounds take', () => {
  // three runs a turn, five rounds and two that warm up, and the start
  expect(estimateSeconds({ rows: [[2000]], seconds: 1 })).toBeCloseTo(7 * 6 + 0.5, 9)
})

test('rows add up', () => {
  const one = estimateSeconds({ rows: [[5, 9]], seconds: 2 })
  expect(
    estimateSeconds({
      rows: [
        [5, 9],
        [5, 9],
      ],
      seconds: 2,
    }),
  ).toBeCloseTo(2 * one, 9)
  expect(estimateSeconds({ rows: [], seconds: 2 })).toBe(0)
})
