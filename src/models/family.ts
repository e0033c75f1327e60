/**
 * What a model family declares: configuration keys, parameter names, and a short forward.
 *
 * A family is data plus the order in which the shared blocks are applied. Everything that differs
 * between members of a family is a property read from `config.json`, never a comparison of names.
 */
import type { Value } from '../graph/graph.ts'
import { type ModelConfig, numberOf, sizeOf, textOf } from './config.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Normalised dimensions of a text encoder. */
export interface TextDims {
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly intermediate: number
  readonly vocab: number
  readonly positions: number
  readonly tokenTypes: number
  readonly activation: string
  readonly normEpsilon: number
}

/** Keys in `config.json` for each size, the preferred first. */
export type SizeKeys = Readonly<
  Record<'layers' | 'hidden' | 'heads' | 'intermediate' | 'vocab' | 'positions', readonly string[]>
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

export interface Family {
  /** `model_type` in `config.json`. */
  readonly type: string
  /** Attribute that holds the base model in headed checkpoints. */
  readonly prefix: string
  dims(config: ModelConfig): TextDims
  /** Declares the inputs and writes the base model. */
  encode(b: ModelBuilder, dims: TextDims): Encoded
  readonly heads: Readonly<Record<Task, Head>>
}

/** Reads the dimensions under the family's key names. */
export function textDims(config: ModelConfig, keys: SizeKeys): TextDims {
  const size = (name: keyof SizeKeys): number => sizeOf(config, keys[name])
  return {
    layers: size('layers'),
    hidden: size('hidden'),
    heads: size('heads'),
    intermediate: size('intermediate'),
    vocab: size('vocab'),
    positions: size('positions'),
    tokenTypes: sizeOf(config, ['type_vocab_size'], 2),
    activation: textOf(config, 'hidden_act', 'gelu'),
    normEpsilon: numberOf(config, 'layer_norm_eps', 1e-12),
  }
}
