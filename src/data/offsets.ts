/**
 * Where each token stands in the original text, found by walking text and tokens side by side.
 *
 * One idea: the tokenizer's own normalizer is asked character by character, so that every normalized
 * character knows its owner; the tokenizer's own splitter then says how far an unknown word reaches.
 * Nothing of the tokenizer is written a second time, and what cannot be followed is said to be unknown.
 *
 * Spans are string indexes, for `text.slice`; `characterSpans` counts code points, as Hugging Face does.
 */
import { type Normalized, normalizedText } from './normalized-text.ts'
import { pieceSpans } from './piece-spans.ts'

/** Part of a text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What is asked of a tokenizer. */
export interface TokenSource {
  normalize(text: string): string
  /** The pieces that are tokenized one by one. */
  split(text: string): readonly string[]
  /** Added tokens that are cut out before the text is normalized. */
  readonly added: readonly string[]
  /** How its tokens spell a piece; undefined for kinds that are not known here. */
  readonly spelling: Spelling | undefined
}

/**
 * Tokens are words and their continuations (WordPiece), bytes as characters (GPT-2, RoBERTa), or pieces of
 * the text with a mark for the space (SentencePiece), unknown ones as they stand.
 */
export type Spelling =
  | { readonly kind: 'word-piece'; readonly unknown: string; readonly continuation: string }
  | { readonly kind: 'bytes'; readonly trimmed: boolean }
  /** @property apart whether the text is cut at spaces before they are marked. */
  | { readonly kind: 'pieces'; readonly mark: string; readonly apart: boolean }

/**
 * The span of each token of a text; undefined where the tokens cannot be followed.
 * @param tokens all tokens of the text, special tokens that are not in it left out.
 */
export function tokenSpans(
  text: string,
  tokens: readonly string[],
  source: TokenSource,
): Span[] | undefined {
  const { spelling } = source
  if (!spelling) return undefined
  const spans: Span[] = []
  for (const { start, end, added } of segments(text, source.added)) {
    if (added) {
      if (tokens[spans.length] !== text.slice(start, end)) return undefined
      spans.push({ start, end })
      continue
    }
    const normalized = normalizedText(text.slice(start, end), start, source)
    const rest = tokens.slice(spans.length)
    const found = spansOf(normalized, rest, source, spelling)
    if (!found) return undefined
    for (const span of found) spans.push(span)
  }
  return spans.length === tokens.length ? spans : undefined
}

function spansOf(
  normalized: Normalized,
  tokens: readonly string[],
  source: TokenSource,
  spelling: Spelling,
): Span[] | undefined {
  if (spelling.kind === 'bytes') return byteSpans(normalized, tokens, source, spelling.trimmed)
  if (spelling.kind === 'pieces') return pieceSpans(normalized, tokens, source.added, spelling)
  return wordPieceSpans(normalized, tokens, source, spelling)
}

/** A span without the space that it begins with; a token of space alone stands, empty, behind it. */
export function withoutSpace<S extends Span>(text: string, span: S): S {
  let { start } = span
  while (start < span.end && /\s/.test(text[start]!)) start++
  return start === span.start ? span : { ...span, start }
}

/** The same spans counted in code points, as Hugging Face's tokenizers count. */
export function characterSpans<S extends Span>(text: string, spans: readonly S[]): S[] {
  const before = new Int32Array(text.length + 1)
  let count = 0
  for (let i = 0; i < text.length; i++) {
    before[i] = count
    const second = i > 0 && isLow(text.charCodeAt(i)) && isHigh(text.charCodeAt(i - 1))
    if (second) before[i] = count - 1
    else count++
  }
  before[text.length] = count
  return spans.map((span) => ({ ...span, start: before[span.start]!, end: before[span.end]! }))
}

const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800
const isLow = (unit: number): boolean => (unit & 0xfc00) === 0xdc00

interface Segment extends Span {
  readonly added: boolean
}

/** The text cut at added tokens, the longest first where one begins another. */
function segments(text: string, added: readonly string[]): Segment[] {
  const names = added.filter((name) => name !== '' && text.includes(name))
  if (names.length === 0) return [{ start: 0, end: text.length, added: false }]
  const escaped = names
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  const found: Segment[] = []
  let start = 0
  for (const { index, 0: name } of text.matchAll(new RegExp(escaped.join('|'), 'g'))) {
    if (index > start) found.push({ start, end: index, added: false })
    start = index + name.length
    found.push({ start: index, end: start, added: true })
  }
  if (start < text.length) found.push({ start, end: text.length, added: false })
  return found
}

const spanOf = (owners: readonly Span[], from: number, to: number): Span => ({
  start: owners[from]!.start,
  end: owners[to - 1]!.end,
})

function wordPieceSpans(
  { text, owners }: Normalized,
  tokens: readonly string[],
  source: TokenSource,
  { unknown, continuation }: Extract<Spelling, { kind: 'word-piece' }>,
): Span[] | undefined {
  const spans: Span[] = []
  let from = 0
  for (const piece of source.split(text)) {
    const start = text.indexOf(piece, from)
    if (start < 0) return undefined
    from = start + piece.length
    for (let at = 0; at < piece.length; ) {
      const token = tokens[spans.length]
      if (token === undefined) return undefined
      const isFirst = at === 0
      const spelt =
        !isFirst && token.startsWith(continuation) ? token.slice(continuation.length) : token
      const length =
        isFirst && token === unknown ? piece.length : piece.startsWith(spelt, at) && spelt.length
      if (!length) return undefined
      spans.push(spanOf(owners, start + at, start + at + length))
      at += length
    }
  }
  return spans
}

/** Every character of a token is one byte of the text in UTF-8, `Ġ` a space. */
function byteSpans(
  { text, owners }: Normalized,
  tokens: readonly string[],
  source: TokenSource,
  trimmed: boolean,
): Span[] | undefined {
  const byteOwners: Span[] = []
  for (let i = 0; i < text.length; i++) {
    const pair = isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1))
    const size = new TextEncoder().encode(text.slice(i, i + (pair ? 2 : 1))).length
    for (let byte = 0; byte < size; byte++) byteOwners.push(owners[i]!)
    if (pair) i++
  }
  const total = source.split(text).reduce((sum, piece) => sum + piece.length, 0)
  // a space that the tokenizer put before the text belongs to no character
  const added = total - byteOwners.length
  if (added !== 0 && added !== 1) return undefined
  const spans: Span[] = []
  for (let at = -added; at < byteOwners.length; ) {
    const token = tokens[spans.length]
    if (!token) return undefined
    const end = at + token.length
    if (end > byteOwners.length) return undefined
    const lead = trimmed ? /^Ġ*/.exec(token)![0].length : Math.max(0, -at)
    const from = Math.min(at + lead, end - 1)
    const first = byteOwners[Math.max(0, from)]!
    // a token of spaces alone stands, empty, behind them
    const start = lead === token.length ? byteOwners[Math.max(0, end - 1)]!.end : first.start
    spans.push({ start, end: byteOwners[Math.max(0, end - 1)]!.end })
    at = end
  }
  return spans
}
