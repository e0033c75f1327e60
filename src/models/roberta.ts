/**
 * RoBERTa (Liu et al. 2019) and XLM-RoBERTa (Conneau et al. 2020): BERT's layers without token types.
 *
 * Positions count the tokens that are not padding and begin after the padding's id, so the position table
 * has that id + 1 rows more than an input may have tokens.
 */
import { LimbeckError } from '../errors.ts'
import { bertLayer, bertPooler } from './bert.ts'
import type { ModelConfig } from './config.ts'
import { bertKeys, type Family, requirePlainEncoder, type TextDims, textDims } from './family.ts'
import { baseHead, maskedLmHead, questionHead, sequenceHead, tokenHead } from './heads.ts'
import { encodePostNorm, type PostNormEncoder } from './post-norm-encoder.ts'

const encoder: PostNormEncoder = {
  tokenTypes: 'first',
  positions: 'after-padding',
  layerModule: (i) => `encoder.layer.${i}`,
  layer: bertLayer,
}

function dims(config: ModelConfig): TextDims {
  const table = textDims(config, bertKeys, { padToken: 1 })
  requirePlainEncoder(config, table)
  const positions = table.positions - table.padToken - 1
  if (positions > 0) return { ...table, positions }
  throw new LimbeckError(
    'input',
    `${config.file}: expected max_position_embeddings above pad_token_id + 1, found ${table.positions} and ${table.padToken}.`,
  )
}

export const roberta: Family = {
  type: 'roberta',
  className: 'Roberta',
  prefix: 'roberta',
  dims,
  encode: (b, dims) => encodePostNorm(b, encoder, dims),
  heads: {
    'feature-extraction': baseHead(bertPooler),
    'sequence-classification': sequenceHead(
      { dense: 'classifier.dense', activation: 'tanh' },
      'classifier.out_proj',
    ),
    'token-classification': tokenHead(),
    'question-answering': questionHead(),
    'masked-lm': maskedLmHead({
      dense: 'lm_head.dense',
      activation: 'gelu',
      norm: 'lm_head.layer_norm',
      decoder: 'lm_head.decoder',
      bias: 'lm_head.bias',
    }),
  },
}

export const xlmRoberta: Family = {
  ...roberta,
  type: 'xlm-roberta',
  className: 'XLMRoberta',
}
