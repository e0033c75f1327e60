/**
 * ModernBERT's configuration: which layers see everything and which a window, and the base of the rotary
 * angles in each. Files from before transformers 5 say it with other keys.
 */
import { type ModelConfig, numberOf, sizeOf, textOf } from './config.ts'
import { flagOf, wrongValue } from './config-flags.ts'
import { bertKeys, type TextDims, textDims } from './family.ts'
import type { NormSettings } from './optional-bias.ts'

const layerKinds = ['full_attention', 'sliding_attention'] as const
export type LayerType = (typeof layerKinds)[number]

export interface ModernBertDims extends TextDims, NormSettings {
  readonly layerTypes: readonly LayerType[]
  readonly rotaryBase: Readonly<Record<LayerType, number>>
  /** How many tokens away a key may stand; undefined sees every key. */
  readonly reach: Readonly<Record<LayerType, number | undefined>>
  readonly attentionBias: boolean
  readonly feedForwardBias: boolean
  readonly classifierPooling: 'cls' | 'mean'
  readonly classifierActivation: string
  readonly classifierBias: boolean
  readonly decoderBias: boolean
}

export function modernBertDims(config: ModelConfig): ModernBertDims {
  const keys = { ...bertKeys, activation: 'hidden_activation', normEpsilon: 'norm_eps' }
  const dims = textDims(config, keys, { normEpsilon: 1e-5 })
  const headSize = dims.hidden / dims.heads
  if (!Number.isInteger(headSize / 2)) {
    throw wrongValue(config, 'hidden_size / num_attention_heads', 'an even whole number', headSize)
  }
  const pooling = textOf(config, 'classifier_pooling', 'cls')
  if (pooling !== 'cls' && pooling !== 'mean') {
    throw wrongValue(config, 'classifier_pooling', 'cls or mean', pooling)
  }
  return {
    ...dims,
    layerTypes: layerTypesOf(config, dims.layers),
    rotaryBase: rotaryBaseOf(config),
    reach: {
      full_attention: undefined,
      sliding_attention: Math.floor(sizeOf(config, ['local_attention'], 128) / 2),
    },
    normBias: flagOf(config, 'norm_bias', false),
    attentionBias: flagOf(config, 'attention_bias', false),
    feedForwardBias: flagOf(config, 'mlp_bias', false),
    classifierPooling: pooling,
    classifierActivation: textOf(config, 'classifier_activation', 'gelu'),
    classifierBias: flagOf(config, 'classifier_bias', false),
    decoderBias: flagOf(config, 'decoder_bias', true),
  }
}

/** `layer_types`, or full attention in every n-th layer. */
function layerTypesOf(config: ModelConfig, layers: number): LayerType[] {
  const every = sizeOf(config, ['global_attn_every_n_layers'], 3)
  const given =
    config.json.layer_types ??
    Array.from({ length: layers }, (_, i) => layerKinds[i % every === 0 ? 0 : 1])
  const known = Array.isArray(given) && given.every((type) => layerKinds.includes(type))
  if (known && given.length === layers) return given
  throw wrongValue(config, 'layer_types', `${layers} times ${layerKinds.join(' or ')}`, given)
}

/** `rope_parameters`, or the two keys of older files. */
function rotaryBaseOf(config: ModelConfig): Record<LayerType, number> {
  const everywhere = numberOf(config, 'global_rope_theta', 160_000)
  // null in an old file: the same base everywhere
  const local =
    config.json.local_rope_theta === null
      ? everywhere
      : numberOf(config, 'local_rope_theta', 10_000)
  const given = (config.json.rope_parameters ?? {}) as Record<string, unknown>
  const base = (type: LayerType, fallback: number): number => {
    const settings = (given[type] ?? {}) as Record<string, unknown>
    const kind = settings.rope_type ?? 'default'
    if (kind !== 'default')
      throw wrongValue(config, `rope_parameters.${type}.rope_type`, 'default', kind)
    const theta = settings.rope_theta ?? fallback
    if (typeof theta === 'number' && theta > 0) return theta
    throw wrongValue(config, `rope_parameters.${type}.rope_theta`, 'a number above 0', theta)
  }
  return {
    full_attention: base('full_attention', everywhere),
    sliding_attention: base('sliding_attention', local),
  }
}
