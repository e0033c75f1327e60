/**
 * ModernBERT's heads: each first passes a linear layer, an activation and a norm; the classifier reads
 * the first token or the mean of those that are not padding.
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { activate, linear, tokenAt } from './blocks.ts'
import type { Encoded, Family, Head } from './family.ts'
import { baseHead, questionHead, tokenHead } from './heads.ts'
import type { ModelBuilder } from './model-builder.ts'
import type { ModernBertDims } from './modernbert-config.ts'
import { linearWith, normWith } from './optional-bias.ts'

/** The family's own `encode` gave its own dimensions. */
const dimsOf = ({ dims }: Encoded): ModernBertDims => dims as ModernBertDims

/** `norm(act(dense(x)))` */
function transform(b: ModelBuilder, d: ModernBertDims, x: Value): Value {
  return b.scope('head', () => {
    const dense = linearWith(b, 'dense', x, [d.hidden, d.hidden], d.classifierBias)
    return normWith(b, 'norm', activate(b, d.classifierActivation, dense), d.hidden, d)
  })
}

/** A head that reads transformed tokens. */
const transformed =
  (head: Head): Head =>
  (b, encoded, labels) =>
    head(b, { ...encoded, hidden: transform(b, dimsOf(encoded), encoded.hidden) }, labels)

/** `Σ mask·x / Σ mask` */
function meanOfTokens(b: ModelBuilder, { hidden, attentionMask }: Encoded): Value {
  const weights = b.op('Cast', [attentionMask], { to: int(1) })
  const column = b.op('Unsqueeze', [weights, b.int64s([2], 'axis')])
  const axis = b.int64s([1], 'axis')
  const sum = b.op('ReduceSum', [b.op('Mul', [hidden, column]), axis], { keepdims: int(0) })
  return b.op('Div', [sum, b.op('ReduceSum', [weights, axis], { keepdims: int(1) })])
}

const poolers = {
  cls: (b: ModelBuilder, { hidden }: Encoded) => tokenAt(b, hidden, 0),
  mean: meanOfTokens,
}

const sequence: Head = (b, encoded, labels) => {
  const d = dimsOf(encoded)
  const pooled = poolers[d.classifierPooling](b, encoded)
  return { logits: linear(b, 'classifier', transform(b, d, pooled), [d.hidden, labels]) }
}

const maskedLm: Head = (b, { hidden, dims, wordTable }) => {
  const { decoderBias, tiedDecoder, vocab } = dims as ModernBertDims
  const weightPath = tiedDecoder ? wordTable : 'decoder.weight'
  const tie = { weightPath, tie: 'word_embeddings' }
  return { logits: linearWith(b, 'decoder', hidden, [dims.hidden, vocab], decoderBias, tie) }
}

export const modernBertHeads: Family['heads'] = {
  'feature-extraction': baseHead(),
  'sequence-classification': sequence,
  'token-classification': transformed(tokenHead()),
  'question-answering': transformed(questionHead('classifier')),
  'masked-lm': transformed(maskedLm),
}
