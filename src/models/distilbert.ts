/** DistilBERT (Sanh et al. 2019): BERT's layers under other names, no token types, no pooler. */
import { bertKeys, type Family, requirePlainEncoder, type TextKeys, textDims } from './family.ts'
import { baseHead, maskedLmHead, questionHead, sequenceHead, tokenHead } from './heads.ts'
import { encodePostNorm, type PostNormEncoder } from './post-norm-encoder.ts'

const keys: TextKeys = {
  ...bertKeys,
  layers: ['n_layers'],
  hidden: ['dim'],
  heads: ['n_heads'],
  intermediate: ['hidden_dim'],
  activation: 'activation',
}

/** Epsilon of every norm; not in `config.json`. */
const normEpsilon = 1e-12

const encoder: PostNormEncoder = {
  tokenTypes: 'none',
  positions: 'index',
  layerModule: (i) => `transformer.layer.${i}`,
  layer: {
    attention: 'attention',
    projections: { query: 'q_lin', key: 'k_lin', value: 'v_lin' },
    attentionOutput: 'attention.out_lin',
    attentionNorm: 'sa_layer_norm',
    feedForwardIn: 'ffn.lin1',
    feedForwardOut: 'ffn.lin2',
    feedForwardNorm: 'output_layer_norm',
  },
}

export const distilbert: Family = {
  type: 'distilbert',
  className: 'DistilBert',
  prefix: 'distilbert',
  dims(config) {
    const dims = { ...textDims(config, keys), normEpsilon }
    requirePlainEncoder(config, dims)
    return dims
  },
  encode: (b, dims) => encodePostNorm(b, encoder, dims),
  heads: {
    'feature-extraction': baseHead(),
    'sequence-classification': sequenceHead({ dense: 'pre_classifier', activation: 'relu' }),
    'token-classification': tokenHead(),
    'question-answering': questionHead(),
    'masked-lm': maskedLmHead({
      dense: 'vocab_transform',
      norm: 'vocab_layer_norm',
      decoder: 'vocab_projector',
    }),
  },
}
