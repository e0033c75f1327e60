/** DeBERTa's configuration: which position terms the attention has, and the table behind them. */
import { showValue } from '../errors.ts'
import { type ModelConfig, numberOf, sizeOf, textOf } from './config.ts'
import { flagOf, wrongValue } from './config-flags.ts'
import { bertKeys, type TextDims, textDims } from './family.ts'

/** content→position and position→content (He et al. 2021). */
const positionTerms = ['c2p', 'p2c'] as const
export type PositionTerm = (typeof positionTerms)[number]

export interface DebertaDims extends TextDims {
  readonly terms: readonly PositionTerm[]
  /** Distances are told apart up to this many rows on either side. */
  readonly span: number
  readonly logarithmic: boolean
  readonly farthest: number
  /** Relative embeddings pass a norm first. */
  readonly normalizedTable: boolean
  /** Positions are projected by the layer's own query and key. */
  readonly sharedProjections: boolean
  /** Absolute positions are added to the embeddings. */
  readonly absolutePositions: boolean
  readonly convolution: Convolution | undefined
  readonly poolerActivation: string
  /** The masked-LM head that transformers first shipped, and most checkpoints have. */
  readonly legacyDecoder: boolean
}

/** The convolution beside the first layer. */
export interface Convolution {
  readonly kernel: number
  readonly groups: number
  readonly activation: string
}

export function debertaDims(config: ModelConfig): DebertaDims {
  const { json } = config
  const hasTypes = numberOf(config, 'type_vocab_size', 0) > 0
  const sized = hasTypes ? config : { ...config, json: { ...json, type_vocab_size: 1 } }
  const factorised = json.embedding_size === undefined ? {} : { embedding: ['embedding_size'] }
  const dims = textDims(sized, { ...bertKeys, ...factorised }, { normEpsilon: 1e-7 })
  if (dims.hidden % dims.heads !== 0) {
    const expected = `a multiple of num_attention_heads ${dims.heads}`
    throw wrongValue(config, 'hidden_size', expected, dims.hidden)
  }
  const buckets = numberOf(config, 'position_buckets', -1)
  const given = numberOf(config, 'max_relative_positions', -1)
  const farthest = given < 1 ? dims.positions : given
  const terms = flagOf(config, 'relative_attention', false) ? termsOf(config) : []
  if (terms.length > 0) requireTable(config, buckets, farthest)
  return {
    ...dims,
    tokenTypes: hasTypes ? dims.tokenTypes : 0,
    terms,
    span: buckets > 0 ? sizeOf(config, ['position_buckets']) : farthest,
    logarithmic: buckets > 0,
    farthest,
    normalizedTable: namesOf(json.norm_rel_ebd).includes('layer_norm'),
    sharedProjections: flagOf(config, 'share_att_key', false),
    absolutePositions: flagOf(config, 'position_biased_input', true),
    convolution: convolutionOf(config),
    poolerActivation: textOf(config, 'pooler_hidden_act', 'gelu'),
    legacyDecoder: flagOf(config, 'legacy', true),
  }
}

/** A bucket for each distance is written down: not for distances that no text has. */
const FARTHEST = 2 ** 17

function requireTable(config: ModelConfig, buckets: number, farthest: number): void {
  const key = 'max_relative_positions'
  if (!Number.isInteger(farthest) || farthest > FARTHEST) {
    throw wrongValue(config, key, `a whole number up to ${FARTHEST}`, farthest)
  }
  if (buckets <= 0) return
  // fewer have no logarithmic part
  if (!Number.isInteger(buckets) || buckets < 4) {
    throw wrongValue(config, 'position_buckets', 'a whole number from 4 on', buckets)
  }
  const middle = Math.floor(buckets / 2)
  if (farthest <= middle + 1) throw wrongValue(config, key, `above ${middle + 1}`, farthest)
}

/** A list, or names with `|` between them. */
function namesOf(value: unknown): string[] {
  const names = typeof value === 'string' ? value.toLowerCase().split('|') : value
  return Array.isArray(names)
    ? names.map((name) => (typeof name === 'string' ? name.trim() : showValue(name)))
    : []
}

function termsOf(config: ModelConfig): PositionTerm[] {
  const names = namesOf(config.json.pos_att_type)
  const unknown = names.find((name) => !positionTerms.some((term) => term === name))
  if (unknown !== undefined) {
    throw wrongValue(config, 'pos_att_type', `a list of ${positionTerms.join(' and ')}`, unknown)
  }
  return positionTerms.filter((term) => names.includes(term))
}

function convolutionOf(config: ModelConfig): Convolution | undefined {
  if (numberOf(config, 'conv_kernel_size', 0) <= 0) return undefined
  return {
    kernel: sizeOf(config, ['conv_kernel_size']),
    groups: sizeOf(config, ['conv_groups'], 1),
    activation: textOf(config, 'conv_act', 'tanh'),
  }
}
