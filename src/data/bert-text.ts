/**
 * Two characters' worth of BERT's normalization that `@huggingface/tokenizers` 0.2 does otherwise than the
 * Rust `tokenizers`: capital sigma becomes σ wherever it stands (JavaScript writes ς at the end of a
 * word), and ideographs beyond U+FFFF are words of their own too.
 */
type Json = Readonly<Record<string, unknown>>

/** CJK ideographs outside the basic plane, the ranges of BERT's tokenizer. */
const distantIdeograph =
  /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu

/** What a text goes through before the library sees it; undefined where nothing has to be done. */
export function bertText(normalizer: unknown): ((text: string) => string) | undefined {
  const bert = bertNormalizer(normalizer)
  if (!bert) return undefined
  const steps: ((text: string) => string)[] = []
  if (bert.lowercase === true) steps.push((text) => text.replaceAll('Σ', 'σ'))
  if (bert.handle_chinese_chars === true) {
    steps.push((text) => text.replace(distantIdeograph, ' $& '))
  }
  return (text) => steps.reduce((done, step) => step(done), text)
}

function bertNormalizer(normalizer: unknown): Json | undefined {
  const json = (normalizer ?? {}) as Json
  if (json.type === 'BertNormalizer') return json
  const parts = (json.normalizers ?? []) as readonly unknown[]
  return parts.map(bertNormalizer).find((part) => part !== undefined)
}
