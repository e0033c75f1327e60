import { describe, expect, it } from 'vitest'
import { IGNORED, maskTokens } from './mask-tokens.ts'

const vocabulary = { mask: 4, special: new Set([0, 1, 2, 3, 4]), size: 1000 }
const text = (length: number) => ({
  ids: [2, ...Array.from({ length }, (_, i) => 10 + (i % 900)), 3],
  typeIds: new Array<number>(length + 2).fill(0),
  truncated: 0,
})

describe('maskTokens', () => {
  it('asks for 15 % of the tokens: 80 % masked, 10 % replaced, 10 % left', () => {
    const { ids } = text(20_000)
    const masked = maskTokens(text(20_000), vocabulary, [1, 2, 3])
    const asked = masked.labels.flatMap((label, i) => (label === IGNORED ? [] : [i]))
    expect(asked.length / 20_000).toBeCloseTo(0.15, 1)
    for (const i of asked) expect(masked.labels[i]).toBe(ids[i])
    const share = (test: (i: number) => boolean) => asked.filter(test).length / asked.length
    expect(share((i) => masked.encoding.ids[i] === 4)).toBeCloseTo(0.8, 1)
    expect(share((i) => masked.encoding.ids[i] === ids[i])).toBeCloseTo(0.1, 1)
    ids.forEach((id, i) => {
      if (masked.labels[i] === IGNORED) expect(masked.encoding.ids[i]).toBe(id)
    })
    expect(masked.labels[0]).toBe(IGNORED)
    expect(masked.labels.at(-1)).toBe(IGNORED)
  })

  it('depends on its key alone', () => {
    expect(maskTokens(text(50), vocabulary, [1, 2, 3])).toEqual(
      maskTokens(text(50), vocabulary, [1, 2, 3]),
    )
    const others = [
      [1, 2, 4],
      [1, 3, 3],
      [2, 2, 3],
    ].map((key) => maskTokens(text(50), vocabulary, key))
    for (const other of others)
      expect(other.labels).not.toEqual(maskTokens(text(50), vocabulary, [1, 2, 3]).labels)
  })

  it('asks a short text for one token, and an empty one for none', () => {
    for (let step = 0; step < 20; step++) {
      const { labels } = maskTokens(text(1), vocabulary, [1, step, 0])
      expect(labels).toEqual([IGNORED, 10, IGNORED])
    }
    expect(maskTokens(text(0), vocabulary, [1, 0, 0]).labels).toEqual([IGNORED, IGNORED])
  })
})
