/** MobileBERT's configuration: where layers narrow and what is shared inside them. */
import { type ModelConfig, sizeOf, textOf } from './config.ts'
import { flagOf, wrongValue } from './config-flags.ts'
import { bertKeys, type TextDims, textDims } from './family.ts'

export interface MobileBertDims extends TextDims {
  /** Width inside a layer: the bottleneck's, or the encoder's own where there is none. */
  readonly inner: number
  readonly trigrams: boolean
  readonly normalization: 'layer_norm' | 'no_norm'
  readonly bottleneck: boolean
  /** Query and key read one bottleneck of their own; else what enters the layer. */
  readonly sharedBottleneck: boolean
  /** Query, key and value all read the input's bottleneck. */
  readonly narrowAttention: boolean
  readonly feedForwards: number
  /** The pooler has a linear layer and tanh; else it is the first token. */
  readonly denseFirst: boolean
}

export function mobileBertDims(config: ModelConfig): MobileBertDims {
  const keys = { ...bertKeys, embedding: ['embedding_size'] }
  const dims = textDims(config, keys, { activation: 'relu' })
  const normalization = textOf(config, 'normalization_type', 'no_norm')
  if (normalization !== 'no_norm' && normalization !== 'layer_norm') {
    throw wrongValue(config, 'normalization_type', 'no_norm or layer_norm', normalization)
  }
  const bottleneck = flagOf(config, 'use_bottleneck', true)
  const inner = bottleneck ? sizeOf(config, ['intra_bottleneck_size'], 128) : dims.hidden
  if (inner % dims.heads !== 0) {
    const what = bottleneck ? 'intra_bottleneck_size' : 'hidden_size'
    throw wrongValue(config, what, `a multiple of num_attention_heads ${dims.heads}`, inner)
  }
  const narrowAttention = bottleneck && flagOf(config, 'use_bottleneck_attention', false)
  const sharedBottleneck = flagOf(config, 'key_query_shared_bottleneck', true)
  if (bottleneck && !narrowAttention && !sharedBottleneck && inner !== dims.hidden) {
    // the projections are declared for the narrow width but read the wide one
    throw wrongValue(config, 'key_query_shared_bottleneck', 'true where layers narrow', false)
  }
  return {
    ...dims,
    inner,
    trigrams: flagOf(config, 'trigram_input', true),
    normalization,
    bottleneck,
    sharedBottleneck,
    narrowAttention,
    feedForwards: sizeOf(config, ['num_feedforward_networks'], 4),
    denseFirst: flagOf(config, 'classifier_activation', true),
  }
}
