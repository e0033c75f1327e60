/**
 * DeBERTa's heads: the classifier reads a pooler whose activation the configuration names; the masked-LM
 * head is transformers' first one (`cls`) or the authors' own (`lm_predictions`).
 */
import type { DebertaDims } from './deberta-config.ts'
import type { Encoded, Family, Head } from './family.ts'
import { baseHead, maskedLmHead, questionHead, sequenceHead, tokenHead } from './heads.ts'

/** The family's own `encode` gave its own dimensions. */
const dimsOf = ({ dims }: Encoded): DebertaDims => dims as DebertaDims

const sequence: Head = (b, encoded, labels) => {
  const pooler = { dense: 'pooler.dense', activation: dimsOf(encoded).poolerActivation }
  return sequenceHead(pooler)(b, encoded, labels)
}

const legacy = maskedLmHead({
  dense: 'cls.predictions.transform.dense',
  norm: 'cls.predictions.transform.LayerNorm',
  decoder: 'cls.predictions.decoder',
  bias: 'cls.predictions.bias',
})
const authors = maskedLmHead({
  dense: 'lm_predictions.lm_head.dense',
  norm: 'lm_predictions.lm_head.LayerNorm',
  decoder: 'lm_predictions.lm_head',
})

const maskedLm: Head = (b, encoded, labels) => {
  const d = dimsOf(encoded)
  if (d.legacyDecoder) return legacy(b, encoded, labels)
  // the authors' decoder is the word table, whatever the configuration says of tying
  return authors(b, { ...encoded, dims: { ...d, tiedDecoder: true } }, labels)
}

export const debertaHeads: Family['heads'] = {
  'feature-extraction': baseHead(),
  'sequence-classification': sequence,
  'token-classification': tokenHead(),
  'question-answering': questionHead(),
  'masked-lm': maskedLm,
}
