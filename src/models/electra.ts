/**
 * ELECTRA (Clark et al. 2020): BERT's layers on an embedding that may be narrower, no pooler.
 *
 * The discriminator's own head (which token was replaced) is none of our tasks: `ForPreTraining`
 * checkpoints are read as the base model that they are published as.
 */
import { bertLayer } from './bert.ts'
import {
  bertKeys,
  type Family,
  requirePlainEncoder,
  type TextDims,
  type TextKeys,
  textDims,
} from './family.ts'
import { baseHead, maskedLmHead, questionHead, sequenceHead, tokenHead } from './heads.ts'
import { encodePostNorm, type PostNormEncoder } from './post-norm-encoder.ts'

const keys: TextKeys = { ...bertKeys, embedding: ['embedding_size'] }

const encoder: PostNormEncoder = {
  tokenTypes: 'input',
  positions: 'index',
  projection: ({ embedding, hidden }: TextDims) =>
    embedding === hidden ? undefined : 'embeddings_project',
  layerModule: (i) => `encoder.layer.${i}`,
  layer: bertLayer,
}

export const electra: Family = {
  type: 'electra',
  className: 'Electra',
  prefix: 'electra',
  tasks: { ForPreTraining: 'feature-extraction' },
  dims(config) {
    const dims = textDims(config, keys)
    requirePlainEncoder(config, dims)
    return dims
  },
  encode: (b, dims) => encodePostNorm(b, encoder, dims),
  heads: {
    'feature-extraction': baseHead(),
    'sequence-classification': sequenceHead(
      { dense: 'classifier.dense', activation: 'gelu' },
      'classifier.out_proj',
    ),
    'token-classification': tokenHead(),
    'question-answering': questionHead(),
    'masked-lm': maskedLmHead({
      dense: 'generator_predictions.dense',
      activation: 'gelu',
      norm: 'generator_predictions.LayerNorm',
      decoder: 'generator_lm_head',
    }),
  },
}
