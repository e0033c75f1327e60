/**
 * From tokens back to the text they came from: the answer to a question is an exact slice of its context.
 *
 * The tokenizer's own offsets say where. Where it gives none, words do: the text is cut at space (and around punctuation and CJK
 * characters, which word pieces never cross), each word is tokenized by itself, and where the tokens of all
 * words are those of the whole text, every token has the range of its word.
 */
import { withoutSpace } from './offsets.ts'
import type { Tokenizer } from './tokenizer.ts'

/** Where the tokens of a text stand in it. */
export interface TextAlignment {
  /** Start of each token, or of its word. */
  readonly starts: readonly number[]
  /** End of each token, or of its word; exclusive. */
  readonly ends: readonly number[]
}

/** Ways to cut a text into pieces that tokenize by themselves, finest first. */
const cuts: readonly RegExp[] = [
  // WordPiece and its like: a run of letters and digits, or any other single character
  /[\p{L}\p{N}\p{M}]+|[^\s]/gu,
  /[^\s]+/gu,
  // byte-level BPE and SentencePiece: the space belongs to the word after it
  /\s*[^\s]+/gu,
]

/** Where the tokens of a text stand in it; undefined where neither offsets nor words are known. */
export function alignTokens(tokenizer: Tokenizer, text: string): TextAlignment | undefined {
  const { spans } = tokenizer.encodeWithOffsets(text, { specialTokens: false })
  if (!spans?.every((span) => span !== undefined)) return alignWords(tokenizer, text)
  const words = spans.map((span) => withoutSpace(text, span))
  return { starts: words.map(({ start }) => start), ends: words.map(({ end }) => end) }
}

/** The words of a text's tokens; undefined where no cut gives the tokens of the whole text. */
export function alignWords(tokenizer: Tokenizer, text: string): TextAlignment | undefined {
  const idsOf = (piece: string): readonly number[] =>
    tokenizer.encode(piece, undefined, { specialTokens: false }).ids
  const whole = idsOf(text)
  for (const cut of cuts) {
    const known = new Map<string, readonly number[]>()
    const starts: number[] = []
    const ends: number[] = []
    let matches = true
    for (const { 0: piece, index } of text.matchAll(cut)) {
      const ids = known.get(piece) ?? idsOf(piece)
      known.set(piece, ids)
      const space = piece.length - piece.trimStart().length
      for (const id of ids) {
        matches &&= whole[starts.length] === id
        starts.push(index + space)
        ends.push(index + piece.length)
      }
      if (!matches) break
    }
    if (matches && starts.length === whole.length) return { starts, ends }
  }
  return undefined
}

/** A part of a text. */
export interface TextSpan {
  readonly text: string
  /** Characters (UTF-16 units) of the text; both 0 where they are not known. */
  readonly start: number
  readonly end: number
}

/** The slice of the text from token `first` to token `last`; decoded tokens where it is not known. */
export function spanText(
  tokenizer: Tokenizer,
  text: string,
  alignment: TextAlignment | undefined,
  first: number,
  last: number,
): TextSpan {
  if (alignment) {
    const [start, end] = [alignment.starts[first]!, alignment.ends[last]!]
    return { text: text.slice(start, end), start, end }
  }
  const { ids } = tokenizer.encode(text, undefined, { specialTokens: false })
  return { text: tokenizer.decode(ids.slice(first, last + 1)), start: 0, end: 0 }
}
