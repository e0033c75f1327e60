/**
 * What `offsets.ts` asks of a tokenizer, taken from its vocabulary and tokenizer.json.
 */
import type { Tokenizer as Vocabulary } from '@huggingface/tokenizers'
import type { Spelling, TokenSource } from './offsets.ts'

type Json = Readonly<Record<string, unknown>>

/** Characters whose normal form is remembered. */
const CHARACTERS = 4096

/** The source of a tokenizer's spans. @param file content of tokenizer.json. */
export function tokenSource(vocabulary: Vocabulary, file: Json): TokenSource {
  const { normalizer, pre_tokenizer: splitter } = vocabulary
  const added = [...vocabulary.get_added_tokens_decoder().values()]
  const normalize = (text: string): string => normalizer?.normalize(text) ?? text
  // characters are asked for one by one, spaces between letters, and most texts have few kinds
  const characters = new Map<string, string>()
  const normalizeCharacter = (text: string): string => {
    const known = characters.get(text)
    if (known !== undefined) return known
    const normal = normalize(text)
    if (characters.size < CHARACTERS) characters.set(text, normal)
    return normal
  }
  return {
    normalize: (text) => (text.length <= 3 ? normalizeCharacter(text) : normalize(text)),
    split: (text) => splitter?.pre_tokenize(text) ?? [text],
    added: added.filter(({ normalized }) => !normalized).map(({ content }) => content),
    spelling: spellingOf(file),
  }
}

function spellingOf(file: Json): Spelling | undefined {
  const model = (file.model ?? {}) as Json
  if (model.type === 'WordPiece') {
    const { unk_token: unknown = '[UNK]', continuing_subword_prefix: prefix = '##' } = model
    return { kind: 'word-piece', unknown: String(unknown), continuation: String(prefix) }
  }
  if (partOf(file.pre_tokenizer, 'pretokenizers', 'ByteLevel')) {
    const processor =
      partOf(file.post_processor, 'processors', 'ByteLevel') ??
      partOf(file.post_processor, 'processors', 'RobertaProcessing')
    return { kind: 'bytes', trimmed: processor !== undefined && processor.trim_offsets !== false }
  }
  const metaspace = partOf(file.pre_tokenizer, 'pretokenizers', 'Metaspace')
  if (model.type === 'Unigram' && metaspace) {
    const apart = partOf(file.pre_tokenizer, 'pretokenizers', 'WhitespaceSplit') !== undefined
    return { kind: 'pieces', mark: String(metaspace.replacement ?? '▁'), apart }
  }
  return undefined
}

/** The part of this type: the component itself, or one of its sequence. */
function partOf(component: unknown, list: string, type: string): Json | undefined {
  const json = (component ?? {}) as Json
  if (json.type === type) return json
  return ((json[list] ?? []) as readonly unknown[])
    .map((part) => partOf(part, list, type))
    .find((part) => part !== undefined)
}
