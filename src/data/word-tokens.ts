/**
 * Which tokens are whole words, by how vocabularies write them: `##` before what goes on with a word (WordPiece), or `▁`
 * or `Ġ` before what begins one (SentencePiece, byte-level BPE).
 */
import type { Tokenizer } from './tokenizer.ts'

export interface WordTokens {
  /** Whether a token is a word by itself where a text goes on with `next`. */
  isWord(id: number, next: number | undefined): boolean
  /** Tokens that can be one. */
  readonly all: readonly number[]
}

const marks = ['▁', 'Ġ'] as const
const letters = /^\p{L}{2,}$/u

/** Reads the vocabulary. */
export function wordTokens(tokenizer: Tokenizer): WordTokens {
  const tokens = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.tokenOf(id) ?? '')
  const continues = tokens.some((token) => /^##\p{L}/u.test(token))
  const begins = (token: string) => marks.some((mark) => token.startsWith(mark))
  const special = new Set(Object.values(tokenizer.special))
  const fits = tokens.map((token, id) => {
    if (special.has(id)) return false
    return continues ? letters.test(token) : begins(token) && letters.test(token.slice(1))
  })
  // a word ends where the next token does not go on with it
  const goesOn = tokens.map((token) =>
    continues ? token.startsWith('##') : !begins(token) && /^\p{L}/u.test(token),
  )
  const all = [...fits.keys()].filter((id) => fits[id])
  return { all, isWord: (id, next) => fits[id]! && !(next !== undefined && goesOn[next]) }
}
