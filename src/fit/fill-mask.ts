/**
 * Fill-mask: for each mask token of a text, the likeliest tokens of the vocabulary. A text with several
 * masks runs once; each mask is judged by itself, as in Hugging Face's pipeline.
 */
import { softmax } from '../data/logits.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { Asked, MaskFill, RunInput } from './answer.ts'

const TOP = 5

/** The masks of a text, to be filled. @throws LimbeckError `usage` for a text without a mask. */
export function fillMasks({ tokenizer, text, textPair, maxLength, top = TOP }: Asked): RunInput {
  const encoding = tokenizer.encode(text, textPair, { maxLength })
  const places = masksOf(encoding, tokenizer)
  return {
    encodings: [encoding],
    read: ([rows]) => ({
      kind: 'masks',
      masks: places.map((place) => likeliest(rows![place]!, top, tokenizer)),
    }),
  }
}

function masksOf({ ids, truncated }: Encoding, { special, tokenOf }: Tokenizer): number[] {
  const places = ids.flatMap((id, i) => (id === special.mask ? [i] : []))
  if (places.length > 0) return places
  if (special.mask === undefined) {
    throw new LimbeckError('input', 'the tokenizer names no mask token.', {
      hint: 'Name it as mask_token in tokenizer_config.json.',
    })
  }
  const cut = truncated > 0 ? ` in its first ${ids.length} tokens, all that the model takes` : ''
  throw new LimbeckError('usage', `the text has no mask token for the model to fill${cut}.`, {
    hint: `Write ${tokenOf(special.mask)} where a word is missing.`,
  })
}

function likeliest(logits: Float32Array, top: number, tokenizer: Tokenizer): MaskFill[] {
  const scores = softmax(logits)
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b)
  return order.slice(0, top).map((id) => {
    // special tokens have no text; ids beyond the vocabulary only fill up the table
    const token = tokenizer.decode([id]) || tokenizer.tokenOf(id) || `#${id}`
    return { token, id, score: scores[id]! }
  })
}
