/**
 * SentencePiece's precompiled map of characters, as `precompiled_charsmap` of a tokenizer.json holds it: a
 * double-array trie (darts-clone) from UTF-8 to places in a list of replacements.
 *
 * `@huggingface/tokenizers` 0.2 takes NFKC for it, which is near; the map itself gives the ids of the Rust
 * `tokenizers`, their habits included: a short grapheme is replaced as a whole by what its shortest known
 * beginning maps to, a long one character by character.
 */

/** Replaces characters by a map. */
export type MapCharacters = (text: string) => string

/** UTF-8 bytes of a grapheme from which on it is taken apart. */
const LONG = 6
/** Graphemes whose replacement is remembered. */
const REMEMBERED = 1 << 14

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The map of a base64 text; undefined where it is none. */
export function charactersMap(base64: string): MapCharacters | undefined {
  const bytes = Buffer.from(base64, 'base64')
  const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) return undefined
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
  const texts = bytes.subarray(4 + size)

  /** What the shortest known beginning of a text maps to. */
  function lookUp(text: string): string | undefined {
    let at = offsetOf(units[0]!)
    for (const byte of Buffer.from(text)) {
      if (byte === 0) return undefined
      at ^= byte
      const unit = units[at]
      if (unit === undefined || labelOf(unit) !== byte) return undefined
      at ^= offsetOf(unit)
      if (hasLeaf(unit)) return textAt(units[at] ?? 0)
    }
    return undefined
  }

  function textAt(leaf: number): string {
    const start = leaf & 0x7fffffff
    const end = texts.indexOf(0, start)
    return texts.toString('utf8', start, end < 0 ? texts.length : end)
  }

  const known = new Map<string, string>()
  function replace(grapheme: string): string {
    const found = known.get(grapheme)
    if (found !== undefined) return found
    const whole = Buffer.byteLength(grapheme) < LONG ? lookUp(grapheme) : undefined
    const result =
      whole ?? Array.from(grapheme, (character) => lookUp(character) ?? character).join('')
    if (known.size < REMEMBERED) known.set(grapheme, result)
    return result
  }

  return (text) => {
    // printable ASCII has no graphemes of several characters
    const parts = /^[ -~]*$/.test(text)
      ? Array.from(text)
      : Array.from(graphemes.segment(text), ({ segment }) => segment)
    return parts.map(replace).join('')
  }
}

// units of darts-clone: https://github.com/s-yata/darts-clone
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1
const labelOf = (unit: number): number => (unit & 0x800000ff) >>> 0
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6)
