/**
 * What a tokenizer.json must be before a tokenizer is made of it. The library trusts its file: an id of
 * 2^31 fills memory, a number in a text's place throws anywhere later, and a pattern such as `(a+)+$`
 * never ends on a text that does not match.
 */
import { LimbeckError } from '../errors.ts'
import { isCatastrophic } from './regex-safety.ts'

type Json = Readonly<Record<string, unknown>>

/** Beyond every vocabulary there is; tables of ids are as long as the largest id. */
const LARGEST_ID = 2 ** 24
const DEEPEST = 32

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < LARGEST_ID

/** @throws LimbeckError `input` naming the part that is wrong. */
export function checkTokenizer(file: unknown, where: string): void {
  const wrong = problemOf(file)
  if (wrong === undefined) return
  throw new LimbeckError('input', `${where}: cannot build this tokenizer: ${wrong}.`, {
    hint: 'Save the tokenizer again with a current version of transformers.',
  })
}

function problemOf(file: unknown): string | undefined {
  if (!isObject(file)) return 'it is no object'
  return (
    problemOfModel(file.model) ??
    problemOfAdded(file.added_tokens ?? []) ??
    components.map((name) => problemOfComponent(file[name], name)).find((what) => what)
  )
}

const components = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const

/** Kinds of models, and what their vocabulary must be. */
const vocabularies: Readonly<Record<string, (model: Json) => string | undefined>> = {
  WordPiece: ({ vocab }) => problemOfIds(vocab),
  BPE: ({ vocab, merges }) =>
    problemOfIds(vocab) ??
    (Array.isArray(merges) && merges.every(isMerge) ? undefined : "its 'merges' are no pairs"),
  Unigram: ({ vocab, unk_id }) => {
    const isList = Array.isArray(vocab) && vocab.length > 0 && vocab.every(isScored)
    if (!isList) return "its 'vocab' is no list of tokens with scores"
    const known = unk_id === undefined || unk_id === null || (isId(unk_id) && unk_id < vocab.length)
    return known ? undefined : "its 'unk_id' is not in the vocabulary"
  },
}

const isMerge = (merge: unknown): boolean =>
  typeof merge === 'string'
    ? merge.indexOf(' ') > 0
    : Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string')

const isScored = (entry: unknown): boolean =>
  Array.isArray(entry) &&
  typeof entry[0] === 'string' &&
  typeof entry[1] === 'number' &&
  Number.isFinite(entry[1])

const modelTexts = ['unk_token', 'continuing_subword_prefix', 'end_of_word_suffix'] as const

function problemOfModel(model: unknown): string | undefined {
  if (!isObject(model)) return "it has no 'model'"
  const kinds = Object.keys(vocabularies)
  // files of before the type was written say it by their parts
  const type =
    model.type ?? (model.merges ? 'BPE' : Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece')
  if (typeof type !== 'string' || !Object.hasOwn(vocabularies, type)) {
    return `its model is none of ${kinds.join(', ')}`
  }
  const notText = modelTexts.find(
    (key) => !['string', 'undefined'].includes(typeof (model[key] ?? undefined)),
  )
  if (notText) return `'${notText}' of its model is no text`
  const longest = model.max_input_chars_per_word ?? 100
  if (!isId(longest)) return "'max_input_chars_per_word' of its model is no length"
  return vocabularies[type]!(model)
}

function problemOfIds(vocab: unknown): string | undefined {
  if (!isObject(vocab)) return "its 'vocab' is no object of ids"
  let count = 0
  for (const token in vocab) {
    if (!isId(vocab[token]))
      return `the id of '${token.slice(0, 40)}' is no number below ${LARGEST_ID}`
    count++
  }
  return count > 0 ? undefined : "its 'vocab' is empty"
}

function problemOfAdded(tokens: unknown): string | undefined {
  if (!Array.isArray(tokens)) return "'added_tokens' is no list"
  const bad = tokens.findIndex(
    (token) =>
      !isObject(token) ||
      !isId(token.id) ||
      typeof token.content !== 'string' ||
      token.content === '',
  )
  return bad < 0 ? undefined : `'added_tokens' ${bad} has no content or no id below ${LARGEST_ID}`
}

const lists = ['normalizers', 'pretokenizers', 'processors', 'decoders'] as const

/** A component: null, or an object with a type, whose parts are components again. */
function problemOfComponent(part: unknown, name: string, depth = 0): string | undefined {
  if (part === null || part === undefined) return undefined
  if (depth > DEEPEST) return `its ${name} is nested too deep`
  if (!isObject(part) || typeof part.type !== 'string') return `its ${name} has no type`
  const pattern = isObject(part.pattern) ? part.pattern : {}
  const { Regex: regex, String: text } = pattern
  if (part.pattern !== undefined && typeof (regex ?? text) !== 'string') {
    return `a pattern of its ${name} is neither Regex nor String`
  }
  if (typeof regex === 'string' && isCatastrophic(regex)) {
    return `the pattern '${regex.slice(0, 60)}' of its ${name} may take for ever`
  }
  for (const list of lists) {
    const parts = part[list]
    if (parts === undefined) continue
    if (!Array.isArray(parts)) return `'${list}' of its ${name} is no list`
    const wrong = parts
      .map((one) =>
        one === null
          ? `a part of its ${name} is nothing`
          : problemOfComponent(one, name, depth + 1),
      )
      .find((what) => what)
    if (wrong) return wrong
  }
  return undefined
}
