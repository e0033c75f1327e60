/**
 * A normalized text that knows where it stems from: the normalizer is asked unit by unit, the smallest
 * units that give the whole.
 *
 * Where marks are composed, the composed character belongs to the first of its parts and the rest to the
 * last ones, and merged spaces belong to the last of them: so has the Rust `tokenizers`.
 */
import type { Span, TokenSource } from './offsets.ts'

/** A normalized text, with the part of the original that each of its UTF-16 units stems from. */
export interface Normalized {
  readonly text: string
  readonly owners: readonly Span[]
}

type Cut = (text: string) => Iterable<{ readonly index: number; readonly part: string }>

const cutBy =
  (pattern: RegExp): Cut =>
  (text) =>
    Array.from(text.matchAll(pattern), ({ index, 0: part }) => ({ index, part }))

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Graphemes; quotes of two characters, which normalizers merge, are one. */
function graphemesOf(text: string): { index: number; part: string }[] {
  const units: { index: number; part: string }[] = []
  for (const { index, segment } of graphemes.segment(text)) {
    const last = units.at(-1)
    if (last?.part === segment && isSign(segment)) last.part += segment
    else units.push({ index, part: segment })
  }
  return units
}

/** Units that are normalized alone, finest first, and whether their characters compose one by one. */
const levels: readonly { readonly cut: Cut; readonly composes: boolean }[] = [
  { cut: cutBy(/./gsu), composes: false },
  { cut: cutBy(/([\p{P}\p{S}])\1+(?!\p{M})|\P{M}\p{M}*|\p{M}+/gsu), composes: true },
  { cut: graphemesOf, composes: true },
  { cut: cutBy(/\s+|\S+/gsu), composes: false },
  { cut: cutBy(/^.*$/gsu), composes: false },
]

/** The normalized form of a text that begins at `base`. */
export function normalizedText(
  text: string,
  base: number,
  source: Pick<TokenSource, 'normalize'>,
): Normalized {
  const whole = source.normalize(text)
  return { text: whole, owners: ownersOf(text, base, whole, source, levels.length) ?? [] }
}

/** By the finest of the first levels that gives the whole. */
function ownersOf(
  text: string,
  base: number,
  whole: string,
  source: Pick<TokenSource, 'normalize'>,
  count: number,
): Span[] | undefined {
  for (let level = 0; level < count; level++) {
    const owners = ownersAt(level, text, base, whole, source)
    if (owners) return owners
  }
  return undefined
}

function ownersAt(
  level: number,
  text: string,
  base: number,
  whole: string,
  source: Pick<TokenSource, 'normalize'>,
): Span[] | undefined {
  const { cut, composes } = levels[level]!
  const owners: Span[] = []
  const trimmed = source.normalize('a ').length === 1 ? text.trimEnd().length : text.length
  for (const { index, part } of cut(text)) {
    const start = base + index
    const owner = { start, end: start + part.length }
    const at = owners.length
    const alone = normalOf(part, source)
    const isSpaceAgain = alone.startsWith(' ') && whole[at] !== ' ' && whole[at - 1] === ' '
    const isMerged = isSpaceAgain && index < trimmed
    const normal = isSpaceAgain ? alone.trimStart() : alone
    if (isMerged) owners[at - 1] = owner
    if (same(normal, whole.slice(at, at + normal.length))) {
      const inner =
        level > 0 && normal.length > 0
          ? (ownersOf(part, start, normal, source, level) ??
            (composes ? composed(part, start, normal) : undefined))
          : undefined
      for (let i = 0; i < normal.length; i++) owners.push(inner?.[i] ?? owner)
      // spaces may be trimmed from the whole text
    } else if (normal.trim() !== '') return undefined
  }
  return owners.length === whole.length ? owners : undefined
}

/** Between letters, where a space is not trimmed away. */
function normalOf(part: string, source: Pick<TokenSource, 'normalize'>): string {
  return /^\s|\s$/.test(part) ? source.normalize(`a${part}a`).slice(1, -1) : source.normalize(part)
}

/**
 * The first character is composed of the first and of those that are gone; the others stand as before. Of a
 * run of one character the last ones are left.
 */
function composed(part: string, start: number, normal: string): Span[] | undefined {
  const before = Array.from(part)
  const after = Array.from(normal)
  const gone = before.length - after.length
  if (gone < 0) return undefined
  const isRun = before.every((character) => character === before[0])
  let at = start
  const places = before.map((character) => {
    const place = { start: at, end: at + character.length }
    at = place.end
    return place
  })
  return after.flatMap((character, i) =>
    Array.from({ length: character.length }, () => places[i === 0 && !isRun ? 0 : gone + i]!),
  )
}

const isSign = (text: string): boolean => /^[\p{P}\p{S}]$/u.test(text)

/** Equal, or letters whose case depends on their neighbours: the Greek final sigma. */
const same = (a: string, b: string): boolean => a === b || a.toUpperCase() === b.toUpperCase()
