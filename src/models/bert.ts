/**
 * BERT (Devlin et al. 2019) and everything saved as `model_type: bert`, MiniLM included.
 *
 * Post-norm encoder: absolute positions, token types. Inputs and outputs have the names that
 * Transformers.js and optimum use.
 */
import type { LayerNames } from './blocks.ts'
import { bertKeys, type Family, requirePlainEncoder, textDims } from './family.ts'
import {
  baseHead,
  type FirstToken,
  maskedLmHead,
  questionHead,
  sequenceHead,
  tokenHead,
} from './heads.ts'
import { encodePostNorm, type PostNormEncoder } from './post-norm-encoder.ts'

/** Module names of a layer, which several families took over. */
export const bertLayer: LayerNames = {
  attention: 'attention.self',
  projections: { query: 'query', key: 'key', value: 'value' },
  attentionOutput: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  feedForwardIn: 'intermediate.dense',
  feedForwardOut: 'output.dense',
  feedForwardNorm: 'output.LayerNorm',
}

/** Tanh of a linear layer on `[CLS]`. */
export const bertPooler: FirstToken = { dense: 'pooler.dense', activation: 'tanh' }

const encoder: PostNormEncoder = {
  tokenTypes: 'input',
  positions: 'index',
  layerModule: (i) => `encoder.layer.${i}`,
  layer: bertLayer,
}

export const bert: Family = {
  type: 'bert',
  className: 'Bert',
  prefix: 'bert',
  pooler: 'pooler',
  dims(config) {
    const dims = textDims(config, bertKeys)
    requirePlainEncoder(config, dims)
    return dims
  },
  encode: (b, dims) => encodePostNorm(b, encoder, dims),
  heads: {
    'feature-extraction': baseHead(bertPooler),
    'sequence-classification': sequenceHead(bertPooler),
    'token-classification': tokenHead(),
    'question-answering': questionHead(),
    'masked-lm': maskedLmHead({
      dense: 'cls.predictions.transform.dense',
      norm: 'cls.predictions.transform.LayerNorm',
      decoder: 'cls.predictions.decoder',
      bias: 'cls.predictions.bias',
    }),
  },
}
