/**
 * Text to token ids: `@huggingface/tokenizers` for normalization, splitting and vocabulary; special
 * tokens, truncation and padding are ours.
 *
 * A tokenizer.json may carry its own fixed `padding` and `truncation` (all-MiniLM-L6-v2 pads to
 * 128): they describe how somebody once used it, so they are ignored. An empty second text is a
 * pair whose second text is empty, as in Hugging Face's own tokenizers.
 */
import { realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer as Vocabulary } from '@huggingface/tokenizers'
import { LimbeckError, showValue } from '../errors.ts'
import { checkInside } from '../onnx/inside-folder.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { checkTokenizer } from './check-tokenizer.ts'
import { exactNormalizers } from './exact-normalizers.ts'
import { type Span, type TokenSource, tokenSpans } from './offsets.ts'
import { checkRegular } from './regular-file.ts'
import { addedTokens, plainTemplate, specialTokenTemplate } from './special-tokens.ts'
import { tokenSource } from './token-source.ts'
import { type TruncationStrategy, truncatedLengths } from './truncate-pair.ts'
import { rememberWords, splitsAtSpaces } from './word-cache.ts'

/** A text, or pair of texts, as a model takes it; no padding. */
export interface Encoding {
  readonly ids: readonly number[]
  /** 0 for the first text, 1 for the second, as the model's template says; as long as `ids`. */
  readonly typeIds: readonly number[]
  /** Tokens that were cut off; 0 when the text is whole. */
  readonly truncated: number
}

/** An encoding of words, and for each token the number of its word; -1 for special tokens. */
export interface WordEncoding extends Encoding {
  readonly wordOf: readonly number[]
}

/** An encoding, and where each token stands in its text; undefined for special tokens. */
export interface OffsetEncoding extends Encoding {
  /** Spans of string indexes. Undefined altogether for tokenizers that we cannot follow. */
  readonly spans: readonly (Span | undefined)[] | undefined
}

/** How one text is encoded. */
export interface EncodeOptions {
  /** Most tokens of an encoding, special tokens included; unlimited by default. */
  readonly maxLength?: number | undefined
  /** What is cut first; `longest_first` by default. */
  readonly truncation?: TruncationStrategy | undefined
  /** Whether special tokens are added (default true). */
  readonly specialTokens?: boolean | undefined
}

/** Names under which tokenizer_config.json gives special tokens. */
export type SpecialToken = 'pad' | 'cls' | 'sep' | 'mask' | 'unk' | 'bos' | 'eos'

/** A model's tokenizer. */
export interface Tokenizer {
  encode(text: string, textPair?: string, options?: EncodeOptions): Encoding
  /** A text that is split into words already, each after a space. */
  encodeWords(words: readonly string[], options?: EncodeOptions): WordEncoding
  /** As `encode` of one text, with the span of every token. */
  encodeWithOffsets(text: string, options?: EncodeOptions): OffsetEncoding
  /** Text of ids, special tokens left out. */
  decode(ids: readonly number[]): string
  tokenOf(id: number): string | undefined
  idOf(token: string): number | undefined
  /** Ids of the special tokens that this tokenizer has. */
  readonly special: Readonly<Partial<Record<SpecialToken, number>>>
  /** Id that fills the end of shorter rows in a batch. */
  readonly padId: number
  /** Number of ids, added tokens included. */
  readonly size: number
  /** `model_max_length`; undefined when the folder states none (or 1e30, which means none). */
  readonly maxLength: number | undefined
}

type Json = Readonly<Record<string, unknown>>

/**
 * The tokenizer of a model folder (`tokenizer.json`, and `tokenizer_config.json` where present).
 * @param vocab rows of the model's embedding: a text with an id beyond them is refused.
 * @throws LimbeckError when tokenizer.json is absent or malformed.
 */
export async function loadTokenizer(folder: string, vocab?: number): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json')
  const json = await readJson(folder, 'tokenizer.json')
  if (json === undefined) {
    throw new LimbeckError('file', `${folder}: no tokenizer.json, which reading text needs.`, {
      hint: "Save the model's tokenizer there, or use a command that reads no text.",
    })
  }
  // older folders name their special tokens in a file of their own
  const map = (await readJson(folder, 'special_tokens_map.json')) ?? {}
  const config = (await readJson(folder, 'tokenizer_config.json')) ?? {}
  return createTokenizer(json, { ...map, ...config }, path, vocab)
}

/**
 * A tokenizer of parsed files.
 * @param json content of tokenizer.json. @param config content of tokenizer_config.json.
 * @param where how errors name the file. @param vocab rows of the model's embedding: ids are below it.
 */
export function createTokenizer(
  json: unknown,
  config: unknown = {},
  where = 'tokenizer.json',
  vocab = Number.POSITIVE_INFINITY,
): Tokenizer {
  const file = json as Json
  const settings = config as Json
  checkTokenizer(json, where)
  const vocabulary = openVocabulary(file, settings, where)
  const template = guarded(where, () => specialTokenTemplate(file.post_processor))
  for (const piece of [...template.single, ...template.pair]) {
    const id = piece.kind === 'special' ? piece.ids.find((one) => one >= vocab) : undefined
    if (id !== undefined) throw beyondVocabulary(where, vocabulary.id_to_token(id), id, vocab)
  }
  const fromEnd = settings.truncation_side === 'left'
  const special = specialIds(settings, vocabulary)
  const encodeText = (text: string): { ids: number[]; tokens: string[] } => {
    const encoded = guarded(where, () => vocabulary.encode(text, { add_special_tokens: false }))
    const { ids, tokens } = encoded
    const beyond = ids.findIndex((id: number) => id >= vocab)
    if (beyond >= 0) throw beyondVocabulary(where, tokens[beyond], ids[beyond], vocab)
    const lost = ids.indexOf(undefined as unknown as number)
    if (lost < 0) return encoded
    throw new LimbeckError('input', `${where}: '${tokens[lost]}' has no id and no unknown token.`, {
      hint: "Set 'unk_token' in the tokenizer's model.",
    })
  }
  const idsOfPiece = (text: string): number[] => encodeText(text).ids
  const idsOf = splitsAtSpaces(file) ? rememberWords(idsOfPiece) : idsOfPiece

  /** What an encoding holds at each token, of what the texts' own tokens hold. */
  function arrange<T>(
    first: readonly T[],
    second: readonly T[] | undefined,
    options: EncodeOptions,
    special: (id: number) => T,
  ): { values: T[]; typeIds: number[]; truncated: number } {
    const shape = options.specialTokens === false ? plainTemplate : template
    const pieces = second === undefined ? shape.single : shape.pair
    const budget = budgetFor(options.maxLength, addedTokens(pieces))
    const strategy = options.truncation
    const [kept, keptPair] = truncatedLengths(first.length, second?.length, budget, strategy)
    const cut = (all: readonly T[], count: number) =>
      fromEnd ? all.slice(all.length - count) : all.slice(0, count)
    const texts = { text: cut(first, kept), pair: cut(second ?? [], keptPair) }
    const values: T[] = []
    const typeIds: number[] = []
    for (const piece of pieces) {
      const own = piece.kind === 'special' ? piece.ids.map(special) : texts[piece.kind]
      for (const value of own) {
        values.push(value)
        typeIds.push(piece.type)
      }
    }
    const truncated = first.length + (second?.length ?? 0) - kept - keptPair
    return { values, typeIds, truncated }
  }

  function encode(text: string, textPair?: string, options: EncodeOptions = {}): Encoding {
    const pair = textPair === undefined ? undefined : idsOf(textPair)
    const { values, typeIds, truncated } = arrange(idsOf(text), pair, options, (id) => id)
    return { ids: values, typeIds, truncated }
  }

  function encodeWords(words: readonly string[], options: EncodeOptions = {}): WordEncoding {
    // a space before each: what byte-level vocabularies know as the begin of a word
    const idsOfWords = words.map((word) => idsOf(` ${word}`))
    const { values, typeIds, truncated } = arrange(
      idsOfWords.flat(),
      undefined,
      options,
      (id) => id,
    )
    const numbers = idsOfWords.flatMap((ids, word) => ids.map(() => word))
    const wordOf = arrange(numbers, undefined, options, () => -1).values
    return { ids: values, typeIds, truncated, wordOf }
  }

  let source: TokenSource | undefined
  function encodeWithOffsets(text: string, options: EncodeOptions = {}): OffsetEncoding {
    return guarded(where, () => withOffsets(text, options))
  }

  function withOffsets(text: string, options: EncodeOptions): OffsetEncoding {
    source ??= tokenSource(vocabulary, file)
    // pieces are spelled as the text has them; other kinds have a word for what is unknown
    const known = source.spelling?.kind === 'pieces' ? encodeText(text) : undefined
    const ids = known?.ids ?? idsOf(text)
    const tokens = known?.tokens ?? ids.map((id) => vocabulary.id_to_token(id) ?? '')
    const found = tokenSpans(text, tokens, source)
    const spans =
      found && arrange<Span | undefined>(found, undefined, options, () => undefined).values
    const { values, typeIds, truncated } = arrange(ids, undefined, options, (id) => id)
    return { ids: values, typeIds, truncated, spans }
  }

  const stated = settings.model_max_length
  const padId = special.pad ?? padIdOf(file.padding)
  if (padId >= vocab) throw beyondVocabulary(where, vocabulary.id_to_token(padId), padId, vocab)
  return {
    encode,
    encodeWords,
    encodeWithOffsets,
    decode: (ids) =>
      ids.length === 0
        ? ''
        : guarded(where, () => vocabulary.decode([...ids], { skip_special_tokens: true })),
    tokenOf: (id) => vocabulary.id_to_token(id),
    idOf: (token) => vocabulary.token_to_id(token),
    special,
    padId,
    size: vocabulary.get_vocab().size,
    maxLength: isNatural(stated) && stated > 0 && stated < 1e9 ? stated : undefined,
  }
}

async function readJson(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name)
  let text: string
  try {
    checkInside(path, folder, realpathSync)
    await checkRegular(path)
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LimbeckError('file', `cannot read ${path}: ${(cause as Error).message}.`, { cause })
  }
  try {
    const json: unknown = parseJson(text)
    if (typeof json === 'object' && json !== null) return json
  } catch {
    // told below, as for JSON that is no object
  }
  throw new LimbeckError('input', `${path}: expected a JSON object, got something else.`, {
    hint: 'The file may be cut short; copy or download it again.',
  })
}

/** What the library throws about a file that it read, as one sentence. */
function guarded<T>(where: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause
    const reason = (cause as Error).message.replace(/\.$/, '')
    throw new LimbeckError('input', `${where}: this tokenizer cannot read a text: ${reason}.`, {
      hint: 'Save the tokenizer again with a current version of transformers.',
      cause,
    })
  }
}

const isNatural = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0

function padIdOf(padding: unknown): number {
  const id = (padding as { pad_id?: unknown } | null | undefined)?.pad_id
  return isNatural(id) ? id : 0
}

const beyondVocabulary = (where: string, token: unknown, id: unknown, vocab: number) =>
  new LimbeckError(
    'input',
    `${where}: expected ids below the ${vocab} of the model's embedding, got ${id} for ${showValue(token)}.`,
    { hint: 'Take tokenizer and model of one folder.' },
  )

function openVocabulary(file: Json, config: Json, where: string): Vocabulary {
  try {
    // without a post-processor the library hands out the texts' own ids only
    const vocabulary = new Vocabulary({ added_tokens: [], ...file, post_processor: null }, config)
    exactNormalizers(vocabulary, file)
    return vocabulary
  } catch (cause) {
    const reason = (cause as Error).message.replace(/\.$/, '')
    throw new LimbeckError('input', `${where}: cannot build this tokenizer: ${reason}.`, {
      hint: 'Save the tokenizer again with a current version of transformers.',
      cause,
    })
  }
}

function specialIds(config: Json, vocabulary: Vocabulary): Tokenizer['special'] {
  const special: Partial<Record<SpecialToken, number>> = {}
  for (const name of ['pad', 'cls', 'sep', 'mask', 'unk', 'bos', 'eos'] as const) {
    // either "[PAD]" or an AddedToken object
    const token = config[`${name}_token`] as string | { content?: unknown } | null | undefined
    const content = typeof token === 'string' ? token : token?.content
    const id = typeof content === 'string' ? vocabulary.token_to_id(content) : undefined
    if (id !== undefined) special[name] = id
  }
  return special
}

function budgetFor(maxLength: number | undefined, added: number): number {
  if (maxLength === undefined) return Number.POSITIVE_INFINITY
  if (Number.isInteger(maxLength) && maxLength > added) return maxLength - added
  throw new LimbeckError(
    'usage',
    `maximum length: expected an integer over ${added} (the special tokens), got ${maxLength}.`,
    { hint: 'Give a larger maximum length.' },
  )
}
