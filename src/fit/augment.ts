/**
 * More texts to be taught on (Jiao et al. 2020, TinyBERT, algorithm 1): in each variant of a text, every word of one
 * token is replaced with probability 0.4 by one of its 15 nearest words, here by the teacher's own table of words.
 * A variant follows from the seed, the text's place and its own number, and is made anew whenever it is read.
 */
import type { Encoding } from '../data/tokenizer.ts'
import type { WordTokens } from '../data/word-tokens.ts'
import { randomFrom, seedOf } from '../stats/random.ts'
import type { TrainingExample } from './training-set.ts'

/** pₜ and K of the paper. */
const REPLACED_SHARE = 0.4
export const NEIGHBOURS = 15

/** Nearest words of a word, nearest first; undefined for what is never replaced. */
export type WordNeighbours = ReadonlyMap<number, ArrayLike<number>>

export interface AugmentOptions {
  /** Variants of each example. */
  readonly variants: number
  readonly seed: number
  readonly words: Pick<WordTokens, 'isWord'>
  readonly neighbours: WordNeighbours
}

/** The examples, then their first variants, their second ones, …; a variant has no label: see `unlabelled`. */
export function augmented(
  examples: readonly TrainingExample[],
  options: AugmentOptions,
  unlabelled: (target: unknown) => unknown,
): TrainingExample[] {
  const { variants } = options
  const numbers = Array.from({ length: variants }, (_, i) => i + 1)
  const more = numbers.flatMap((variant) =>
    examples.map(({ texts, target }, place) => ({
      get texts() {
        return texts.map((text, row) => variantOf(text, [variant, place, row], options))
      },
      target: unlabelled(target),
    })),
  )
  return [...examples, ...more]
}

/** One variant of a text: as long as it is. @param key the numbers that decide, after the seed. */
export function variantOf<E extends Encoding>(
  encoding: E,
  key: readonly number[],
  { seed, words, neighbours }: Omit<AugmentOptions, 'variants'>,
): E {
  const random = randomFrom(seedOf(seed, ...key))
  const ids = encoding.ids.map((id, at) => {
    if (!words.isWord(id, encoding.ids[at + 1])) return id
    const near = neighbours.get(id)
    if (!near || random.uniform() >= REPLACED_SHARE) return id
    return near[random.below(near.length)]!
  })
  return { ...encoding, ids }
}
