/**
 * MobileBERT's heads. The word table is narrower than the encoder, so the masked-LM decoder is that table
 * for the first numbers of a token and a matrix of its own for the rest.
 */
import { ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { activate, layerNorm, linear, tokenAt } from './blocks.ts'
import type { Encoded, Family, Head } from './family.ts'
import { baseHead, questionHead, sequenceHead, tokenHead } from './heads.ts'
import type { MobileBertDims } from './mobilebert-config.ts'
import type { ModelBuilder } from './model-builder.ts'

/** The family's own `encode` gave its own dimensions. */
const dimsOf = ({ dims }: Encoded): MobileBertDims => dims as MobileBertDims

const pooler = { dense: 'pooler.dense', activation: 'tanh' }
const pooledBase = baseHead(pooler)
const pooledSequence = sequenceHead(pooler)

const base: Head = (b, encoded, labels) =>
  dimsOf(encoded).denseFirst
    ? pooledBase(b, encoded, labels)
    : { last_hidden_state: encoded.hidden, pooler_output: tokenAt(b, encoded.hidden, 0) }

const sequence: Head = (b, encoded, labels) => {
  if (dimsOf(encoded).denseFirst) return pooledSequence(b, encoded, labels)
  const size = [encoded.dims.hidden, labels] as const
  return { logits: linear(b, 'classifier', tokenAt(b, encoded.hidden, 0), size) }
}

/** `x[…, :E]·Wᵀ + x[…, E:]·V + bias`: W the word table `[vocab, E]`, V `[D − E, vocab]`. */
const maskedLm: Head = (b, { hidden, dims, wordTable }) =>
  b.scope('cls.predictions', () => {
    const { embedding, vocab } = dims
    const transformed = b.scope('transform', () => {
      const dense = linear(b, 'dense', hidden, [dims.hidden, dims.hidden])
      const active = activate(b, dims.activation, dense)
      return layerNorm(b, 'LayerNorm', active, dims.hidden, dims.normEpsilon)
    })
    const at = 'cls.predictions'
    const own = `${at}.decoder.weight`
    const table = b.weight(
      dims.tiedDecoder ? wordTable : own,
      [vocab, embedding],
      'word_embeddings',
    )
    const turned = b.op('Transpose', [table], { perm: ints([1, 0]) })
    const bias = b.storedName(`${at}.bias`) ? `${at}.bias` : `${at}.decoder.bias`
    const shift = b.weight(bias, [vocab])
    const extra = dims.hidden - embedding
    if (extra === 0) return { logits: b.op('Add', [b.op('MatMul', [transformed, turned]), shift]) }
    const first = columns(b, transformed, 0, embedding)
    const known = b.op('Add', [b.op('MatMul', [first, turned]), shift])
    const rest = columns(b, transformed, embedding, dims.hidden)
    const more = b.op('MatMul', [rest, b.weight(`${at}.dense.weight`, [extra, vocab])])
    return { logits: b.op('Add', [known, more]) }
  })

const columns = (b: ModelBuilder, x: Value, from: number, to: number): Value =>
  b.op('Slice', [x, b.int64s([from], 'start'), b.int64s([to], 'end'), b.int64s([2], 'axis')])

export const mobileBertHeads: Family['heads'] = {
  'feature-extraction': base,
  'sequence-classification': sequence,
  'token-classification': tokenHead(),
  'question-answering': questionHead(),
  'masked-lm': maskedLm,
}
