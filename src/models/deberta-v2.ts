/**
 * DeBERTa v2 and v3 (He et al. 2021, 2023): a post-norm encoder whose attention also scores positions.
 *
 * `attention_mask` masks keys and queries both, and the embeddings of padding are zero. Models without
 * token types take none, as optimum exports them.
 */
import { int, ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { afterAttention, attend, projectHeads } from './attention-block.ts'
import { bertLayer } from './bert.ts'
import { activate, addNorm, firstRows, layerNorm } from './blocks.ts'
import { type Convolution, type DebertaDims, debertaDims } from './deberta-config.ts'
import { debertaHeads } from './deberta-heads.ts'
import { positionScores, type RelativeTable, relativeTable } from './disentangled.ts'
import type { Encoded, Family } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'
import { linearWith } from './optional-bias.ts'

const wordTable = 'embeddings.word_embeddings.weight'

function encode(b: ModelBuilder, d: DebertaDims): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  const types = d.tokenTypes > 0 ? b.input('token_type_ids', 'int64', tokens) : undefined
  const real = b.op('Cast', [attentionMask], { to: int(9) })
  // [B, S, 1]: which rows are tokens
  const rows = b.op('Unsqueeze', [real, b.int64s([2], 'axis')])
  const embedded = b.scope('embeddings', () => embed(b, d, ids, types))
  const first = zeroed(b, embedded, rows)
  b.tap('hidden.0', first)
  const mask = b.op('And', [
    b.op('Unsqueeze', [real, b.int64s([1, 2], 'axes')]),
    b.op('Unsqueeze', [real, b.int64s([1, 3], 'axes')]),
  ])
  const table = d.terms.length > 0 ? b.scope('encoder', () => relativeTable(b, d, ids)) : undefined
  let hidden = first
  for (let i = 0; i < d.layers; i++) {
    hidden = b.scope(`encoder.layer.${i}`, () => layer(b, d, hidden, mask, table))
    if (i === 0 && d.convolution) hidden = convolve(b, d, d.convolution, first, hidden, rows)
    b.tap(`hidden.${i + 1}`, hidden)
  }
  return { dims: d, hidden, attentionMask, wordTable }
}

function embed(b: ModelBuilder, d: DebertaDims, ids: Value, types: Value | undefined): Value {
  const table = (name: string, rows: number) =>
    b.weight(`embeddings.${name}_embeddings.weight`, [rows, d.embedding])
  let sum = b.op('Gather', [table('word', d.vocab), ids])
  if (d.absolutePositions) {
    sum = b.op('Add', [sum, firstRows(b, table('position', d.positions), ids)])
  }
  if (types) sum = b.op('Add', [sum, b.op('Gather', [table('token_type', d.tokenTypes), types])])
  if (d.embedding !== d.hidden) {
    sum = linearWith(b, 'embed_proj', sum, [d.embedding, d.hidden], false)
  }
  return layerNorm(b, 'LayerNorm', sum, d.hidden, d.normEpsilon)
}

/** Padding's rows as zeros. */
const zeroed = (b: ModelBuilder, x: Value, rows: Value): Value =>
  b.op('Where', [rows, x, b.constant(floatScalar(0), 'zero')])

function layer(
  b: ModelBuilder,
  d: DebertaDims,
  x: Value,
  mask: Value,
  table: RelativeTable | undefined,
): Value {
  const { heads, hidden } = d
  const context = b.scope('attention.self', () => {
    const sizes = { heads, width: hidden, query: hidden, key: hidden, value: hidden }
    const names = { query: 'query_proj', key: 'key_proj', value: 'value_proj' }
    const split = projectHeads(b, names, { query: x, key: x, value: x }, sizes)
    // one share of the variance for each term
    const scale = 1 / Math.sqrt((hidden / heads) * (1 + d.terms.length))
    const bias = table && positionScores(b, d, split, table, scale)
    return attend(b, split, { mask, bias, scale, width: hidden })
  })
  return afterAttention(b, bertLayer, context, x, d)
}

/** `LN(layer + act(conv(embedding)))`, zero at padding: n-grams beside the first layer. */
function convolve(
  b: ModelBuilder,
  d: DebertaDims,
  { kernel, groups, activation }: Convolution,
  embedded: Value,
  x: Value,
  rows: Value,
): Value {
  return b.scope('encoder.conv', () => {
    const turn = { perm: ints([0, 2, 1]) }
    const weight = b.weight('encoder.conv.conv.weight', [d.hidden, d.hidden / groups, kernel])
    const bias = b.weight('encoder.conv.conv.bias', [d.hidden])
    const pad = Math.floor((kernel - 1) / 2)
    const convolved = b.op('Conv', [b.op('Transpose', [embedded], turn), weight, bias], {
      kernel_shape: ints([kernel]),
      pads: ints([pad, pad]),
      group: int(groups),
    })
    const masked = zeroed(b, b.op('Transpose', [convolved], turn), rows)
    const active = activate(b, activation, masked)
    return zeroed(b, addNorm(b, 'LayerNorm', active, x, d.hidden, d.normEpsilon), rows)
  })
}

export const debertaV2: Family<DebertaDims> = {
  type: 'deberta-v2',
  className: 'DebertaV2',
  prefix: 'deberta',
  dims: debertaDims,
  encode,
  heads: debertaHeads,
}
