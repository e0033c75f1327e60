import { describe, expect, test } from 'vitest'
import {
  argmax,
  classesAbove,
  cosineSimilarity,
  logSoftmax,
  rowsOf,
  sigmoid,
  softmax,
} from './logits.ts'

describe('logits', () => {
  test('softmax (scipy.special.softmax), stable for large logits', () => {
    const expected = [0.78559703, 0.03911257, 0.17529039]
    for (const shift of [0, 1e4, -1e4]) {
      const logits = [2 + shift, -1 + shift, 0.5 + shift]
      for (const [i, p] of softmax(logits).entries()) expect(p).toBeCloseTo(expected[i]!, 8)
    }
    expect(logSoftmax([0, -1e4])[1]).toBe(-1e4)
    expect(sigmoid(0)).toBe(0.5)
    expect(sigmoid(-800)).toBe(0)
  })

  test('argmax takes the first of equals, a threshold any number of classes', () => {
    expect([argmax([1, 3, 3]), argmax([]), argmax([-2])]).toEqual([1, -1, 0])
    expect(classesAbove([0.1, -0.1, 5])).toEqual([0, 2])
    expect(classesAbove([0.1, -0.1, 5], 0.9)).toEqual([2])
  })

  test('cosine of parallel, opposite, orthogonal and zero vectors', () => {
    const pairs = [
      [
        [1, 2],
        [2, 4],
      ],
      [
        [1, 2],
        [-1, -2],
      ],
      [
        [1, 0],
        [0, 3],
      ],
      [
        [0, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 0],
      ],
    ] as const
    const cosines = pairs.map(([a, b]) => Math.round(cosineSimilarity(a, b) * 1e12) / 1e12)
    expect(cosines).toEqual([1, -1, 0, 1, 0])
  })

  test('rows are views of the tensor', () => {
    const data = Float32Array.from([1, 2, 3, 4, 5, 6])
    const rows = rowsOf({ dtype: 'float32', shape: [1, 2, 3], data })
    expect(rows.map((row) => Array.from(row))).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    data[3] = 9
    expect(rows[1]?.[0]).toBe(9)
  })
})
