import { expect, it } from 'vitest'
import { augmented, variantOf } from './augment.ts'
import type { TrainingExample } from './training-set.ts'

// tokens: 0 special, 1 to 9 words, 10 goes on with a word
const words = { isWord: (id: number, next?: number) => id > 0 && id < 10 && next !== 10 }
const neighbours = new Map([2, 3, 4].map((id) => [id, [5, 6, 7]] as const))
const options = { seed: 4, words, neighbours }
const text = (ids: readonly number[]) => ({ ids, typeIds: ids.map(() => 0), truncated: 0 })

it('replaces whole words that have neighbours, two of five of them', () => {
  const ids = [0, 2, 10, 3, 1, 4, 0]
  let [changed, asked] = [0, 0]
  for (let place = 0; place < 2000; place++) {
    const own = variantOf(text(ids), [1, place, 0], options).ids
    expect(own).toHaveLength(ids.length)
    own.forEach((id, at) => {
      const may = at === 3 || at === 5
      asked += Number(may)
      changed += Number(id !== ids[at])
      if (!may) expect(id).toBe(ids[at])
      else expect([ids[at], 5, 6, 7]).toContain(id)
    })
  }
  // 0.4 of 4,000, four standard deviations wide
  expect(Math.abs(changed / asked - 0.4)).toBeLessThan(4 * Math.sqrt((0.4 * 0.6) / asked))
})

it('makes variants that follow from the seed, and leaves labels out', () => {
  const examples: TrainingExample[] = [
    { texts: [text([2, 3, 4, 2]), text([4, 4])], target: 1 },
    { texts: [text([2, 3, 4, 2]), text([4, 4])], target: 0 },
  ]
  const make = (seed: number) => augmented(examples, { ...options, seed, variants: 3 }, () => -100)
  const own = make(4)
  expect(own).toHaveLength(8)
  expect(own.map(({ target }) => target)).toEqual([1, 0, ...new Array(6).fill(-100)])
  expect(own.slice(0, 2)).toEqual(examples)
  const idsOf = (all: readonly TrainingExample[]) =>
    all.map(({ texts }) => texts.map(({ ids }) => ids.join()).join(' '))
  // read twice, and made anew: the same
  expect(idsOf(own)).toEqual(idsOf(own))
  expect(idsOf(make(4))).toEqual(idsOf(own))
  expect(idsOf(make(5))).not.toEqual(idsOf(own))
  expect(new Set(idsOf(own).slice(2)).size).toBeGreaterThan(3)
})
