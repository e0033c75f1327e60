/**
 * MobileBERT (Sun et al. 2020): deep and thin. Each layer narrows its input (bottlenecks), attends, passes
 * several small feed-forward networks and widens again; norms are mere scales and shifts (NoNorm), and
 * embeddings of three neighbouring tokens stand side by side (trigrams).
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { attend, type Heads, projectHeads } from './attention-block.ts'
import { activate, firstRows, keyMask, layerNorm, linear } from './blocks.ts'
import type { Encoded, Family } from './family.ts'
import { type MobileBertDims, mobileBertDims } from './mobilebert-config.ts'
import { mobileBertHeads } from './mobilebert-heads.ts'
import type { ModelBuilder } from './model-builder.ts'
import { toEnd } from './relative-position.ts'

const wordTable = 'embeddings.word_embeddings.weight'

type Norm = (b: ModelBuilder, path: string, x: Value, size: number, epsilon: number) => Value

/** Norms by their name in `config.json`. */
const norms: Readonly<Record<MobileBertDims['normalization'], Norm>> = {
  layer_norm: layerNorm,
  no_norm: (b, path, x, size) =>
    b.scope(path, () => {
      const scale = b.weight(`${b.origin}.weight`, [size])
      const shift = b.weight(`${b.origin}.bias`, [size])
      return b.op('Add', [b.op('Mul', [x, scale]), shift])
    }),
}

/** PyTorch's, where the modeling code gives none. */
const DEFAULT_EPSILON = 1e-5

function encode(b: ModelBuilder, d: MobileBertDims): Encoded {
  const tokens = ['batch_size', 'sequence_length']
  const ids = b.input('input_ids', 'int64', tokens)
  const attentionMask = b.input('attention_mask', 'int64', tokens)
  const types = b.input('token_type_ids', 'int64', tokens)
  const mask = keyMask(b, attentionMask)
  let hidden = b.scope('embeddings', () => embed(b, d, ids, types))
  b.tap('hidden.0', hidden)
  for (let i = 0; i < d.layers; i++) {
    hidden = b.scope(`encoder.layer.${i}`, () => layer(b, d, hidden, mask))
    b.tap(`hidden.${i + 1}`, hidden)
  }
  return { dims: d, hidden, attentionMask, wordTable }
}

function embed(b: ModelBuilder, d: MobileBertDims, ids: Value, types: Value): Value {
  const table = (name: string, rows: number, width: number) =>
    b.weight(`embeddings.${name}_embeddings.weight`, [rows, width])
  const word = b.op('Gather', [table('word', d.vocab, d.embedding), ids])
  const joined = d.trigrams ? trigrams(b, word) : word
  const width = d.trigrams ? 3 * d.embedding : d.embedding
  const wide =
    width === d.hidden && !d.trigrams
      ? joined
      : linear(b, 'embedding_transformation', joined, [width, d.hidden])
  const placed = b.op('Add', [wide, firstRows(b, table('position', d.positions, d.hidden), ids)])
  const typed = b.op('Gather', [table('token_type', d.tokenTypes, d.hidden), types])
  const sum = b.op('Add', [placed, typed])
  return norms[d.normalization](b, 'LayerNorm', sum, d.hidden, DEFAULT_EPSILON)
}

/** The next token's embedding, its own and the one before, zeros at the ends: `[B, S, E]` → `[B, S, 3E]`. */
function trigrams(b: ModelBuilder, x: Value): Value {
  const zero = b.constant(floatScalar(0), 'zero')
  const padded = b.op('Pad', [x, b.int64s([0, 1, 0, 0, 1, 0], 'pads'), zero])
  const axis = b.int64s([1], 'axis')
  const next = b.op('Slice', [padded, b.int64s([2], 'start'), toEnd(b), axis])
  const before = b.op('Slice', [padded, b.int64s([0], 'start'), b.int64s([-2], 'end'), axis])
  return b.op('Concat', [next, x, before], { axis: int(2) })
}

function layer(b: ModelBuilder, d: MobileBertDims, x: Value, mask: Value): Value {
  const norm = norms[d.normalization]
  const { inner, intermediate, normEpsilon } = d
  const residual = (
    dense: string,
    at: string,
    y: Value,
    size: [number, number],
    z: Value,
    eps = normEpsilon,
  ) => norm(b, at, b.op('Add', [linear(b, dense, y, size), z]), size[1], eps)
  const { narrow, ...read } = d.bottleneck
    ? b.scope('bottleneck', () => bottlenecks(b, d, x))
    : { query: x, key: x, value: x, narrow: x }
  const context = b.scope('attention.self', () => attention(b, d, read, mask))
  let y = residual(
    'attention.output.dense',
    'attention.output.LayerNorm',
    context,
    [inner, inner],
    narrow,
  )
  const grow = () =>
    activate(b, d.activation, linear(b, 'intermediate.dense', y, [inner, intermediate]))
  for (let i = 0; i < d.feedForwards - 1; i++) {
    y = b.scope(`ffn.${i}`, () =>
      residual('output.dense', 'output.LayerNorm', grow(), [intermediate, inner], y),
    )
  }
  y = residual(
    'output.dense',
    'output.LayerNorm',
    grow(),
    [intermediate, inner],
    y,
    DEFAULT_EPSILON,
  )
  if (!d.bottleneck) return y
  const wide = 'output.bottleneck'
  return residual(`${wide}.dense`, `${wide}.LayerNorm`, y, [inner, d.hidden], x)
}

/** What attention reads and the narrow residual stream, from the wide one. */
function bottlenecks(b: ModelBuilder, d: MobileBertDims, x: Value): Heads & { narrow: Value } {
  const through = (path: string): Value =>
    b.scope(path, () => {
      const dense = linear(b, 'dense', x, [d.hidden, d.inner])
      return norms[d.normalization](b, 'LayerNorm', dense, d.inner, d.normEpsilon)
    })
  const narrow = through('input')
  if (d.narrowAttention) return { query: narrow, key: narrow, value: narrow, narrow }
  if (!d.sharedBottleneck) return { query: x, key: x, value: x, narrow }
  const shared = through('attention')
  return { query: shared, key: shared, value: x, narrow }
}

function attention(b: ModelBuilder, d: MobileBertDims, inputs: Heads, mask: Value): Value {
  const { heads, inner } = d
  const names = { query: 'query', key: 'key', value: 'value' }
  const value = d.narrowAttention || !d.bottleneck ? inner : d.hidden
  const sizes = { heads, width: inner, query: inner, key: inner, value }
  const split = projectHeads(b, names, inputs, sizes)
  return attend(b, split, { mask, scale: 1 / Math.sqrt(inner / heads), width: inner })
}

export const mobilebert: Family<MobileBertDims> = {
  type: 'mobilebert',
  className: 'MobileBert',
  prefix: 'mobilebert',
  pooler: 'pooler',
  dims: mobileBertDims,
  encode,
  heads: mobileBertHeads,
}
