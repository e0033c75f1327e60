/**
 * What a model family declares: configuration keys, parameter names, and a short forward.
 *
 * A family is data plus the order in which the shared blocks are applied. Everything that differs
 * between members of a family is a property read from `config.json`, never a comparison of names.
 */
import { LimbeckError } from '../errors.ts'
import type { Value } from '../graph/graph.ts'
import { type ModelConfig, numberOf, sizeOf, textOf } from './config.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Normalised dimensions of a text encoder. */
export interface TextDims {
  /** Layers that a token passes, shared ones counted each time. */
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly intermediate: number
  readonly vocab: number
  /** Width of the embedding tables: `hidden` unless the family factorises them. */
  readonly embedding: number
  /** Usable positions: the most tokens an input may have. The table may have more rows. */
  readonly positions: number
  readonly tokenTypes: number
  /** Id that fills short rows. */
  readonly padToken: number
  readonly activation: string
  readonly normEpsilon: number
  /** The masked-LM decoder is the word table, whatever else the checkpoint stores. */
  readonly tiedDecoder: boolean
}

/** Keys in `config.json`: for each size a list, the preferred first. */
export interface TextKeys {
  readonly layers: readonly string[]
  readonly hidden: readonly string[]
  readonly heads: readonly string[]
  readonly intermediate: readonly string[]
  readonly vocab: readonly string[]
  readonly positions: readonly string[]
  /** Absent: the embedding is as wide as the encoder. */
  readonly embedding?: readonly string[]
  readonly activation?: string
  readonly normEpsilon?: string
}

/** What most families call their sizes. */
export const bertKeys: TextKeys = {
  layers: ['num_hidden_layers'],
  hidden: ['hidden_size'],
  heads: ['num_attention_heads'],
  intermediate: ['intermediate_size'],
  vocab: ['vocab_size'],
  positions: ['max_position_embeddings'],
}

/** What a family's configuration class assumes where `config.json` is silent. */
export type TextDefaults = Partial<
  Pick<TextDims, 'activation' | 'normEpsilon' | 'tokenTypes' | 'padToken'>
>

/** What the base model hands to a head. */
export interface Encoded {
  readonly dims: TextDims
  /** `[B, S, D]` */
  readonly hidden: Value
  /** Graph input `attention_mask`, int64 `[B, S]`. */
  readonly attentionMask: Value
  /** Path of the word embedding table, for tied decoders. */
  readonly wordTable: string
}

/** What a model answers; chosen from `architectures`. */
export type Task =
  | 'feature-extraction'
  | 'sequence-classification'
  | 'token-classification'
  | 'question-answering'
  | 'masked-lm'

/** A head: from what the base model gives to named graph outputs. */
export type Head = (
  b: ModelBuilder,
  encoded: Encoded,
  labels: number,
) => Readonly<Record<string, Value>>

export interface Family<D extends TextDims = TextDims> {
  /** `model_type` in `config.json`. */
  readonly type: string
  /** What the names of its classes begin with: `Bert` of `BertForMaskedLM`. */
  readonly className: string
  /** Attribute that holds the base model in headed checkpoints. */
  readonly prefix: string
  /** Module of the base model that heads alone read. */
  readonly pooler?: string
  dims(config: ModelConfig): D
  /** Declares the inputs and writes the base model. */
  encode(b: ModelBuilder, dims: D): Encoded
  readonly heads: Readonly<Record<Task, Head>>
  /** Endings of `architectures` that mean another task here than in most families. */
  readonly tasks?: Readonly<Record<string, Task>>
}

/** Reads the dimensions under the family's key names. */
export function textDims(
  config: ModelConfig,
  keys: TextKeys,
  defaults: TextDefaults = {},
): TextDims {
  const hidden = sizeOf(config, keys.hidden)
  const vocab = sizeOf(config, keys.vocab)
  const layers = sizeOf(config, keys.layers)
  checkLayers(config, layers)
  return {
    layers,
    hidden,
    heads: sizeOf(config, keys.heads),
    intermediate: sizeOf(config, keys.intermediate),
    vocab,
    embedding: keys.embedding ? sizeOf(config, keys.embedding) : hidden,
    positions: sizeOf(config, keys.positions),
    tokenTypes: sizeOf(config, ['type_vocab_size'], defaults.tokenTypes ?? 2),
    padToken: padTokenOf(config, vocab, defaults.padToken ?? 0),
    activation: textOf(config, keys.activation ?? 'hidden_act', defaults.activation ?? 'gelu'),
    normEpsilon: numberOf(
      config,
      keys.normEpsilon ?? 'layer_norm_eps',
      defaults.normEpsilon ?? 1e-12,
    ),
    tiedDecoder: config.json.tie_word_embeddings !== false,
  }
}

/** More layers than any encoder has: shared ones cost a hostile configuration nothing. */
const MOST_LAYERS = 1024

/** Refuses more layers than any model has, before something is made for each. */
export function checkLayers(config: ModelConfig, layers: number): void {
  if (layers <= MOST_LAYERS) return
  throw new LimbeckError(
    'input',
    `${config.file}: expected at most ${MOST_LAYERS} layers, found ${layers}.`,
  )
}

function padTokenOf(config: ModelConfig, vocab: number, fallback: number): number {
  const id = numberOf(config, 'pad_token_id', fallback)
  if (Number.isInteger(id) && id >= 0 && id < vocab) return id
  throw new LimbeckError(
    'input',
    `${config.file}: expected pad_token_id to be an id below vocab_size ${vocab}, found ${id}.`,
  )
}

/** Refuses decoders and relative positions, which the plain encoders here do not compute. */
export function requirePlainEncoder(config: ModelConfig, { hidden, heads }: TextDims): void {
  const positions = textOf(config, 'position_embedding_type', 'absolute')
  if (positions !== 'absolute' || config.json.is_decoder === true) {
    throw new LimbeckError(
      'input',
      `${config.file}: expected an encoder with absolute positions, found position_embedding_type ${positions}, is_decoder ${config.json.is_decoder ?? false}.`,
    )
  }
  if (hidden % heads === 0) return
  throw new LimbeckError(
    'input',
    `${config.file}: expected the hidden size to be a multiple of the number of attention heads, found ${hidden} and ${heads}.`,
  )
}
