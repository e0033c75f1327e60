/**
 * A question with a context too long for the model, as windows over the context: the question stands whole
 * in each, and neighbours share `stride` tokens of the context, so that an answer cut by one window is
 * whole in the next. Equal to Hugging Face's `truncation='only_second', stride=…, return_overflowing_tokens`.
 */
import { LimbeckError } from '../errors.ts'
import type { WindowPlace } from './best-span.ts'
import type { Encoding, Tokenizer } from './tokenizer.ts'

/** One window: what the model sees, and where the context stands in it. */
export interface QuestionWindow extends WindowPlace {
  readonly encoding: Encoding
}

export interface WindowOptions {
  /** Most tokens of a window, question and special tokens included. */
  readonly maxLength: number
  /**
   * Tokens of the context that neighbouring windows share. Default 128, or half of what a window holds of
   * the context, which also stands in where a long question leaves no more room than the stride.
   */
  readonly stride?: number | undefined
  /** How errors name the question. */
  readonly where?: string | undefined
}

/** Windows of a question over its context, at least one. */
export function questionWindows(
  tokenizer: Tokenizer,
  question: string,
  context: string,
  { maxLength, stride, where = 'the question' }: WindowOptions,
): QuestionWindow[] {
  const whole = tokenizer.encode(question, context)
  const frame = tokenizer.encode(question, '').ids.length
  const length = whole.ids.length - frame
  const from = frame - tokensAfter(tokenizer)
  const room = maxLength - frame
  if (room < 1) {
    throw new LimbeckError(
      'input',
      `${where}: its ${frame} tokens leave no room for the context in ${maxLength}.`,
      { hint: 'Shorten the question or give a larger --max-length.' },
    )
  }
  const half = Math.floor(room / 2)
  const step = room - (stride === undefined ? Math.min(128, half) : stride < room ? stride : half)
  const windows: QuestionWindow[] = []
  for (let skipped = 0; skipped === 0 || skipped + room - step < length; skipped += step) {
    const count = Math.min(room, length - skipped)
    const cut = (all: readonly number[]): number[] => [
      ...all.slice(0, from),
      ...all.slice(from + skipped, from + skipped + count),
      ...all.slice(from + length),
    ]
    const encoding = { ids: cut(whole.ids), typeIds: cut(whole.typeIds), truncated: 0 }
    windows.push({ encoding, from, count, skipped })
  }
  return windows
}

/** Special tokens that follow the second text: what a pair of empty texts has beyond its first text's. */
function tokensAfter(tokenizer: Tokenizer): number {
  const empty = tokenizer.encode('', '').ids
  const probe = tokenizer.encode('', PROBE).ids
  const text = tokenizer.encode(PROBE, undefined, { specialTokens: false }).ids
  // the probe stands where it pushes the fewest tokens to its right
  for (let after = 0; after <= empty.length; after++) {
    const at = empty.length - after
    if (text.every((id, i) => probe[at + i] === id)) return after
  }
  throw new Error('internal: a pair does not hold its second text.')
}

const PROBE = 'a'
