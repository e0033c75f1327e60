/**
 * Spans of SentencePiece tokens: the mark that stands for a space (Metaspace) is the space before the
 * word, or, where there is none or the text was cut at spaces first, belongs to the word's first character.
 */
import type { Normalized } from './normalized-text.ts'
import type { Span, Spelling } from './offsets.ts'

/** @param tokens the tokens of the text as it spells them, and what follows it. */
export function pieceSpans(
  { text, owners }: Normalized,
  tokens: readonly string[],
  added: readonly string[],
  { mark, apart }: Extract<Spelling, { kind: 'pieces' }>,
): Span[] | undefined {
  const spans: Span[] = []
  let at = 0
  /** Who owns the next character of a token. */
  const ownerOf = (character: string): Span | undefined => {
    if (character !== mark) {
      if (!text.startsWith(character, at)) return undefined
      at += character.length
      return owners[at - 1]
    }
    if (apart) at = skipSpaces(text, at)
    const stands = text.startsWith(mark, at) || (!apart && text[at] === ' ')
    return stands ? owners[at++] : owners[at]
  }
  while ((apart ? skipSpaces(text, at) : at) < text.length) {
    const token = tokens[spans.length]
    const isEnd = token === undefined || added.includes(token)
    // a space before an added token may be part of it
    if (isEnd) return skipSpaces(text, at) === text.length ? spans : undefined
    const found: Span[] = []
    for (const character of token) {
      const owner = ownerOf(character)
      if (!owner) return undefined
      found.push(owner)
    }
    if (found.length === 0) return undefined
    spans.push({ start: found[0]!.start, end: found.at(-1)!.end })
  }
  return spans
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (at < text.length && /\s/.test(text[at]!)) at++
  return at
}
