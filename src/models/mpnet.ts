/**
 * MPNet (Song et al. 2020): a post-norm encoder whose layers share one relative position bias, a value
 * for each head and distance bucket (T5's), added to the scores. Positions count from the padding's on.
 */
import { ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { afterAttention, attend, projectHeads } from './attention-block.ts'
import { keyMask, layerNorm, positionsAfterPadding } from './blocks.ts'
import { sizeOf } from './config.ts'
import { wrongValue } from './config-flags.ts'
import {
  bertKeys,
  type Encoded,
  type Family,
  requirePlainEncoder,
  type TextDims,
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
import type { ModelBuilder } from './model-builder.ts'
import { bucketOf, distances, t5Buckets } from './relative-position.ts'

interface MpnetDims extends TextDims {
  /** Rows of the bias table. */
  readonly buckets: number
}

/** Hugging Face fixes all three, whatever `config.json` says. */
const PADDING = 1
const BUCKETS = 32
const FARTHEST = 128

const wordTable = 'embeddings.word_embeddings.weight'
const names = {
  attentionOutput: 'attention.attn.o',
  attentionNorm: 'attention.LayerNorm',
  feedForwardIn: 'intermediate.dense',
  feedForwardOut: 'output.dense',
  feedForwardNorm: 'output.LayerNorm',
}

function encode(b: ModelBuilder, d: MpnetDims): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  const mask = keyMask(b, attentionMask)
  let hidden = b.scope('embeddings', () => {
    const at = positionsAfterPadding(b, ids, PADDING)
    const rows = d.positions + PADDING + 1
    const positionTable = b.weight('embeddings.position_embeddings.weight', [rows, d.hidden])
    const word = b.op('Gather', [b.weight(wordTable, [d.vocab, d.hidden]), ids])
    const sum = b.op('Add', [word, b.op('Gather', [positionTable, at])])
    return layerNorm(b, 'LayerNorm', sum, d.hidden, d.normEpsilon)
  })
  b.tap('hidden.0', hidden)
  const bias = b.scope('encoder.relative_attention_bias', () => positionBias(b, d, ids))
  for (let i = 0; i < d.layers; i++) {
    hidden = b.scope(`encoder.layer.${i}`, () => layer(b, d, hidden, mask, bias))
    b.tap(`hidden.${i + 1}`, hidden)
  }
  return { dims: d, hidden, attentionMask, wordTable }
}

/** `table[bucket(query − key), head]` for every pair: `[1, H, S, S]`. */
function positionBias(b: ModelBuilder, d: MpnetDims, ids: Value): Value {
  const table = b.weight('encoder.relative_attention_bias.weight', [d.buckets, d.heads])
  const buckets = bucketOf(b, distances(b, ids), t5Buckets(BUCKETS, FARTHEST))
  const values = b.op('Transpose', [b.op('Gather', [table, buckets])], { perm: ints([2, 0, 1]) })
  return b.op('Unsqueeze', [values, b.int64s([0], 'axis')])
}

function layer(b: ModelBuilder, d: MpnetDims, x: Value, mask: Value, bias: Value): Value {
  const { heads, hidden } = d
  const context = b.scope('attention.attn', () => {
    const sizes = { heads, width: hidden, query: hidden, key: hidden, value: hidden }
    const roles = { query: 'q', key: 'k', value: 'v' }
    const split = projectHeads(b, roles, { query: x, key: x, value: x }, sizes)
    const scale = 1 / Math.sqrt(hidden / heads)
    return attend(b, split, { mask, bias, scale, width: hidden })
  })
  return afterAttention(b, names, context, x, d)
}

const first: FirstToken = { dense: 'classifier.dense', activation: 'tanh' }

export const mpnet: Family<MpnetDims> = {
  type: 'mpnet',
  className: 'MPNet',
  prefix: 'mpnet',
  dims(config) {
    const dims = textDims(config, bertKeys, { padToken: PADDING })
    requirePlainEncoder(config, dims)
    const buckets = sizeOf(config, ['relative_attention_num_buckets'], BUCKETS)
    if (buckets < BUCKETS) {
      throw wrongValue(config, 'relative_attention_num_buckets', `at least ${BUCKETS}`, buckets)
    }
    if (dims.positions <= PADDING + 1) {
      throw wrongValue(config, 'max_position_embeddings', `above ${PADDING + 1}`, dims.positions)
    }
    return { ...dims, positions: dims.positions - PADDING - 1, buckets }
  },
  encode,
  heads: {
    'feature-extraction': baseHead({ dense: 'pooler.dense', activation: 'tanh' }),
    'sequence-classification': sequenceHead(first, 'classifier.out_proj'),
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
