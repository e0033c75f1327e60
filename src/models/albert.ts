/**
 * ALBERT (Lan et al. 2020): few layers' parameters used many times, on a narrow embedding.
 *
 * The layers are divided into groups of equal depth; a group holds `inner_group_num` layers that are
 * applied in turn. Each application is a layer of its own in the graph, with the parameters shared.
 */
import type { LayerNames } from './blocks.ts'
import { sizeOf } from './config.ts'
import {
  bertKeys,
  type Family,
  requirePlainEncoder,
  type TextDims,
  type TextKeys,
  textDims,
} from './family.ts'
import {
  baseHead,
  type FirstToken,
  maskedLmHead,
  questionHead,
  sequenceHead,
  tokenHead,
} from './heads.ts'
import { encodePostNorm, type PostNormEncoder } from './post-norm-encoder.ts'

interface AlbertDims extends TextDims {
  readonly groups: number
  /** Layers that a group holds. */
  readonly groupLayers: number
}

const keys: TextKeys = { ...bertKeys, embedding: ['embedding_size'] }
const pooler: FirstToken = { dense: 'pooler', activation: 'tanh' }

const layer: LayerNames = {
  attention: 'attention',
  projections: { query: 'query', key: 'key', value: 'value' },
  attentionOutput: 'attention.dense',
  attentionNorm: 'attention.LayerNorm',
  feedForwardIn: 'ffn',
  feedForwardOut: 'ffn_output',
  feedForwardNorm: 'full_layer_layer_norm',
}

const encoder: PostNormEncoder<AlbertDims> = {
  tokenTypes: 'input',
  positions: 'index',
  projection: () => 'encoder.embedding_hidden_mapping_in',
  layerModule(i, { layers, groups, groupLayers }) {
    const group = Math.floor((Math.floor(i / groupLayers) * groupLayers * groups) / layers)
    return `encoder.albert_layer_groups.${group}.albert_layers.${i % groupLayers}`
  },
  layerOrigin: (i) => `encoder.layer.${i}`,
  layer,
}

export const albert: Family<AlbertDims> = {
  type: 'albert',
  className: 'Albert',
  prefix: 'albert',
  pooler: 'pooler',
  dims(config) {
    const dims = textDims(config, keys, { activation: 'gelu_new' })
    requirePlainEncoder(config, dims)
    const groups = sizeOf(config, ['num_hidden_groups'], 1)
    const groupLayers = sizeOf(config, ['inner_group_num'], 1)
    return { ...dims, layers: dims.layers * groupLayers, groups, groupLayers }
  },
  encode: (b, dims) => encodePostNorm(b, encoder, dims),
  heads: {
    'feature-extraction': baseHead(pooler),
    'sequence-classification': sequenceHead(pooler),
    'token-classification': tokenHead(),
    'question-answering': questionHead(),
    'masked-lm': maskedLmHead({
      dense: 'predictions.dense',
      norm: 'predictions.LayerNorm',
      decoder: 'predictions.decoder',
      bias: 'predictions.bias',
    }),
  },
}
