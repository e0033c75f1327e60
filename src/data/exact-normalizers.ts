/**
 * Normalizers that `@huggingface/tokenizers` 0.2 has only nearly: each is given the behaviour of the Rust
 * `tokenizers` in its place, so that ids are those a model was trained with.
 */
import type { Tokenizer as Vocabulary } from '@huggingface/tokenizers'
import { charactersMap } from './characters-map.ts'

type Json = Readonly<Record<string, unknown>>
type Normalize = (text: string) => string

/** What of the library's normalizers is used here. */
interface Normalizer {
  normalize: Normalize
  /** Of a sequence. */
  readonly normalizers?: readonly (Normalizer | null)[]
}

/** What a normalizer does, from its part of tokenizer.json and what the library does. */
type Exactly = (json: Json, own: Normalize) => Normalize | undefined

/** CJK ideographs outside the basic plane, the ranges of BERT's tokenizer. */
const distantIdeograph =
  /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/** JavaScript writes ς for a capital sigma at the end of a word. */
const lowerSigma = (text: string): string => text.replaceAll('Σ', 'σ')

const exact: Readonly<Record<string, Exactly>> = {
  // ideographs beyond U+FFFF are words of their own too
  BertNormalizer: (json, own) => (text) => {
    const lower = json.lowercase === true ? lowerSigma(text) : text
    return own(json.handle_chinese_chars === true ? lower.replace(distantIdeograph, ' $& ') : lower)
  },
  Lowercase: () => (text) => lowerSigma(text).toLowerCase(),
  // the library takes NFKC for every map
  Precompiled: ({ precompiled_charsmap: map }) =>
    typeof map === 'string' ? charactersMap(map) : undefined,
  // the library knows the marks of Latin alone
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ''),
  // of what JavaScript trims, the byte order mark is no space
  Strip:
    ({ strip_left: left, strip_right: right }) =>
    (text) => {
      const begun = left === true ? text.replace(/^\p{White_Space}+/u, '') : text
      return right === true ? begun.replace(/\p{White_Space}+$/u, '') : begun
    },
}

/** Mends the normalizers of a vocabulary. @param file content of its tokenizer.json. */
export function exactNormalizers(vocabulary: Vocabulary, file: Json): void {
  mend(vocabulary.normalizer as Normalizer | null, file.normalizer)
}

function mend(normalizer: Normalizer | null, part: unknown): void {
  if (!normalizer) return
  const json = (part ?? {}) as Json
  const parts = (json.normalizers ?? []) as readonly unknown[]
  for (const [i, inner] of (normalizer.normalizers ?? []).entries()) mend(inner, parts[i])
  const type = String(json.type)
  if (!Object.hasOwn(exact, type)) return
  const normalize = exact[type]!(json, normalizer.normalize.bind(normalizer))
  if (normalize) normalizer.normalize = normalize
}
