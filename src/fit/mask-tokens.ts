/**
 * Masked language modelling (Devlin et al. 2019, section 3.1, with the dynamic masks of Liu et al. 2019): of
 * the tokens of a text, special ones left out, 15 % are to be guessed; of these 80 % are masked, 10 % replaced
 * by a random token and 10 % left. Which ones depends on the seed, the step and the row of the batch alone.
 */
import type { Encoding } from '../data/tokenizer.ts'
import { randomFrom, seedOf } from '../stats/random.ts'

/** What masks need to know of a vocabulary. */
export interface MaskVocabulary {
  /** Id of the mask token. */
  readonly mask: number
  /** Ids that are never masked. */
  readonly special: ReadonlySet<number>
  /** Ids are below it. */
  readonly size: number
}

/** A masked text, and the label of each of its tokens: its own id, or −100 where nothing is asked. */
export interface MaskedText {
  readonly encoding: Encoding
  readonly labels: readonly number[]
}

const MASKED_SHARE = 0.15
export const IGNORED: number = -100

/** Masks one text. @param key the numbers that decide: seed, step, row. */
export function maskTokens(
  encoding: Encoding,
  { mask, special, size }: MaskVocabulary,
  key: readonly number[],
): MaskedText {
  const random = randomFrom(seedOf(...key))
  const labels = encoding.ids.map((id) =>
    !special.has(id) && random.uniform() < MASKED_SHARE ? id : IGNORED,
  )
  // a text too short for its share is asked for one token, so that no batch has nothing to learn from
  const free = encoding.ids.flatMap((id, i) => (special.has(id) ? [] : [i]))
  if (free.length > 0 && labels.every((label) => label === IGNORED)) {
    const chosen = free[random.below(free.length)]!
    labels[chosen] = encoding.ids[chosen]!
  }
  const ids = encoding.ids.map((id, i) => {
    if (labels[i] === IGNORED) return id
    const draw = random.uniform()
    if (draw < 0.8) return mask
    return draw < 0.9 ? random.below(size) : id
  })
  return { encoding: { ...encoding, ids }, labels }
}
