import { describe, expect, test } from 'vitest'
import { randomEncodings } from './random-tokens.ts'

describe('randomEncodings', () => {
  const options = { count: 200, length: [5, 9], vocabularySize: 50, seed: 7 } as const

  test('the same seed gives the same ids, another seed others', () => {
    expect(randomEncodings(options)).toEqual(randomEncodings(options))
    expect(randomEncodings(options)).not.toEqual(randomEncodings({ ...options, seed: 8 }))
  })

  test('lengths and ids cover their ranges, excluded ids aside', () => {
    const encodings = randomEncodings({ ...options, exclude: [0, 3], first: 48, last: 49 })
    const lengths = new Set(encodings.map(({ ids }) => ids.length))
    expect([...lengths].sort()).toEqual([5, 6, 7, 8, 9])
    const inner = new Set(encodings.flatMap(({ ids }) => ids.slice(1, -1)))
    expect(inner.size).toBe(48)
    expect(inner.has(0) || inner.has(3)).toBe(false)
    expect(encodings.every(({ ids }) => ids[0] === 48 && ids.at(-1) === 49)).toBe(true)
    expect(encodings.every(({ ids, typeIds }) => typeIds.length === ids.length)).toBe(true)
  })
})
