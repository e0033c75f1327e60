import { describe, expect, it } from 'vitest'
import { columnScales, type ScaleCandidate } from './column-scales.ts'

/** Two columns of a tensor and of its factors times it, with noise that is no part of it. */
function sums(factors: readonly number[], noise = 0) {
  const of = (value: (j: number) => number) => Float64Array.from(factors, (_, j) => value(j))
  return {
    aa: of(() => 100),
    ab: of((j) => 100 * factors[j]!),
    bb: of((j) => 100 * factors[j]! ** 2 + noise),
  }
}

const tensor = (
  relative: number,
  readers: readonly number[],
  columns?: ScaleCandidate['columns'],
): ScaleCandidate => ({ relative, readers, columns })

describe('columnScales', () => {
  it('finds what the next layers undo, through what passes it on', () => {
    const factors = [0.5, 2]
    const found = columnScales(
      [
        tensor(0.6, [1], sums(factors, 0.01)),
        tensor(0.6, [2], sums(factors, 0.01)),
        tensor(0.01, []),
      ],
      1e-4,
    )
    expect([...found.keys()]).toEqual([0, 1])
    expect([...found.get(0)!]).toEqual(factors)
  })

  it('leaves an error that is passed on', () => {
    const wrong = [tensor(0.6, [1], sums([0.5, 2])), tensor(0.6, [])]
    expect(columnScales(wrong, 1e-4).size).toBe(0)
    // nothing reads it: it may be the answer
    expect(columnScales([tensor(0.6, [], sums([0.5, 2]))], 1e-4).size).toBe(0)
  })

  it('leaves noise, and what is within the tolerance', () => {
    const noise = [tensor(0.1, [1], sums([1, 1], 1)), tensor(0.01, [])]
    expect(columnScales(noise, 1e-4).size).toBe(0)
    const near = [tensor(1e-5, [1], sums([1.00001, 1])), tensor(0, [])]
    expect(columnScales(near, 1e-4).size).toBe(0)
    expect(columnScales([undefined, ...noise.slice(0, 0)], 1e-4).size).toBe(0)
  })
})
