/**
 * Where special tokens stand around one text or a pair, as a tokenizer.json's `post_processor`
 * says.
 *
 * One idea: every post-processor that adds tokens is a template of pieces, and knowing how many
 * tokens it adds is what truncation needs. Type ids follow Hugging Face's `tokenizers` (Rust):
 * RoBERTa's are all 0, BERT's and those of a pair without a template are 0 and 1.
 */
import { LimbeckError, showValue } from '../errors.ts'

/** A piece of a template: fixed special tokens, or one of the two texts. */
export type TemplatePiece =
  | { readonly kind: 'special'; readonly ids: readonly number[]; readonly type: number }
  | { readonly kind: 'text' | 'pair'; readonly type: number }

/** What surrounds one text, and a pair of texts. */
export interface SpecialTokenTemplate {
  readonly single: readonly TemplatePiece[]
  readonly pair: readonly TemplatePiece[]
}

type Json = Readonly<Record<string, unknown>>

const special = (ids: readonly number[], type = 0): TemplatePiece => ({
  kind: 'special',
  ids,
  type,
})
const text: TemplatePiece = { kind: 'text', type: 0 }
const pairOf = (type: number): TemplatePiece => ({ kind: 'pair', type })

/** The template that adds nothing. */
export const plainTemplate: SpecialTokenTemplate = { single: [text], pair: [text, pairOf(1)] }

/** Post-processors by type; undefined means that it adds no tokens. */
const processors: Readonly<Record<string, (json: Json) => SpecialTokenTemplate | undefined>> = {
  // [CLS] A [SEP], [CLS] A [SEP] B [SEP]
  BertProcessing: (json) => {
    const [cls, sep] = [endToken(json, 'cls'), endToken(json, 'sep')]
    const single = [special(cls), text, special(sep)]
    return { single, pair: [...single, pairOf(1), special(sep, 1)] }
  },
  // <s> A </s>, <s> A </s></s> B </s>
  RobertaProcessing: (json) => {
    const [cls, sep] = [endToken(json, 'cls'), endToken(json, 'sep')]
    const single = [special(cls), text, special(sep)]
    return { single, pair: [...single, special(sep), pairOf(0), special(sep)] }
  },
  TemplateProcessing: (json) => ({
    single: templatePieces(json, 'single'),
    pair: templatePieces(json, 'pair'),
  }),
  // moves offsets only
  ByteLevel: () => undefined,
  Sequence: (json) => {
    const parts = ((json.processors ?? []) as Json[]).map(templateOf)
    return parts.findLast((part) => part !== undefined)
  },
}

/**
 * The template of a tokenizer.json's `post_processor` (null or absent: nothing is added).
 * @throws LimbeckError for a type we do not know or a template that names a token without ids.
 */
export function specialTokenTemplate(postProcessor: unknown): SpecialTokenTemplate {
  if (postProcessor === null || postProcessor === undefined) return plainTemplate
  return templateOf(postProcessor as Json) ?? plainTemplate
}

/** Tokens that a template adds. */
export const addedTokens = (pieces: readonly TemplatePiece[]): number =>
  pieces.reduce((count, piece) => count + (piece.kind === 'special' ? piece.ids.length : 0), 0)

const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 24

function templateOf(json: Json): SpecialTokenTemplate | undefined {
  const type = typeof json.type === 'string' ? json.type : showValue(json.type)
  if (Object.hasOwn(processors, type)) return processors[type]?.(json)
  throw new LimbeckError('input', `tokenizer.json: unknown post_processor type '${type}'.`, {
    hint: `Known are ${Object.keys(processors).join(', ')}.`,
  })
}

/** BertProcessing and RobertaProcessing write an end token as `["[SEP]", 102]`. */
function endToken(json: Json, name: string): readonly number[] {
  const id = (json[name] as readonly unknown[] | undefined)?.[1]
  if (isId(id)) return [id]
  throw malformed(`${showValue(json.type)} has no '${name}' token with an id`)
}

function templatePieces(json: Json, name: 'single' | 'pair'): readonly TemplatePiece[] {
  const pieces = json[name]
  const known = (json.special_tokens ?? {}) as Readonly<Record<string, { ids?: number[] }>>
  if (!Array.isArray(pieces)) throw malformed(`TemplateProcessing has no '${name}' template`)
  return pieces.map((piece: Readonly<Record<string, { id: string; type_id?: number }>>) => {
    const [kind, body] = Object.entries(piece)[0] ?? []
    const type = body?.type_id ?? 0
    if (!isId(type)) throw malformed('the template has a type id that is none')
    if (kind === 'Sequence') return { kind: body?.id === 'B' ? 'pair' : 'text', type }
    const ids = known[body?.id ?? '']?.ids
    if (!Array.isArray(ids) || !ids.every(isId))
      throw malformed(`the template's token '${body?.id}' is not in special_tokens`)
    return special(ids, type)
  })
}

const malformed = (what: string): LimbeckError =>
  new LimbeckError('input', `tokenizer.json: malformed post_processor: ${what}.`, {
    hint: 'Save the tokenizer again with a current version of transformers.',
  })
