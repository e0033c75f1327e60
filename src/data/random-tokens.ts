/**
 * Encodings of random tokens, for measuring a model when no text is given.
 *
 * The same seed gives the same tokens. Special tokens surround the random ones as in real text,
 * since BERT-like models read their answer there. Fidelity on random tokens says less than on real
 * text.
 */
import { randomFrom } from '../stats/random.ts'
import type { Encoding } from './tokenizer.ts'

/** What random encodings look like. */
export interface RandomTokenOptions {
  readonly count: number
  /**
   * Tokens of each encoding, the first and last included: a fixed length, or the range it is drawn
   * from.
   */
  readonly length: number | readonly [number, number]
  /** Ids are drawn from [0, vocabularySize), `exclude` aside. */
  readonly vocabularySize: number
  /** Ids that are not drawn: padding, unknown, special tokens. */
  readonly exclude?: readonly number[] | undefined
  /** Id of the first token, such as [CLS]; random by default. */
  readonly first?: number | undefined
  /** Id of the last token, such as [SEP]; random by default. */
  readonly last?: number | undefined
  readonly seed: number
}

/** `count` encodings of random ids, all of type 0. */
export function randomEncodings(options: RandomTokenOptions): Encoding[] {
  const { count, length, vocabularySize, first, last, seed } = options
  const random = randomFrom(seed)
  const [least, most] = typeof length === 'number' ? [length, length] : length
  const excluded = new Set(options.exclude)
  const allowed = Array.from({ length: vocabularySize }, (_, id) => id).filter(
    (id) => !excluded.has(id),
  )
  return Array.from({ length: count }, () => {
    const tokens = least + random.below(most - least + 1)
    const ids = Array.from({ length: tokens }, () => allowed[random.below(allowed.length)] ?? 0)
    if (first !== undefined && tokens > 0) ids[0] = first
    if (last !== undefined && tokens > 1) ids[tokens - 1] = last
    return { ids, typeIds: ids.map(() => 0), truncated: 0 }
  })
}
