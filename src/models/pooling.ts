/**
 * Sentence embeddings as sentence-transformers computes them, inside the graph.
 *
 * `1_Pooling/config.json` says how token vectors become one (several modes are concatenated, in its
 * order), `modules.json` whether the result is normalised (Reimers and Gurevych 2019).
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { tokenAt } from './blocks.ts'
import type { Encoded } from './family.ts'
import type { ModelBuilder } from './model-builder.ts'

export type PoolingMode = 'cls' | 'max' | 'mean' | 'mean-sqrt-length'

/** How a sentence-transformers folder turns token vectors into one vector. */
export interface Pooling {
  readonly modes: readonly PoolingMode[]
  /** Divide by the L2 norm (`2_Normalize`). */
  readonly normalize: boolean
}

/** `[B, D × modes]` */
export function sentenceEmbedding(b: ModelBuilder, encoded: Encoded, pooling: Pooling): Value {
  return b.scope('sentence_embedding', () => {
    const parts = pooling.modes.map((mode) => poolers[mode](b, encoded))
    const pooled = parts.length === 1 ? parts[0]! : b.op('Concat', parts, { axis: int(1) })
    if (!pooling.normalize) return pooled
    const norm = b.op('ReduceL2', [pooled, b.int64s([1], 'axis')], { keepdims: int(1) })
    return b.op('Div', [pooled, atLeast(b, norm, 1e-12)])
  })
}

type Pooler = (b: ModelBuilder, encoded: Encoded) => Value

const poolers: Readonly<Record<PoolingMode, Pooler>> = {
  cls: (b, { hidden }) => tokenAt(b, hidden, 0),
  max: (b, { hidden, attentionMask }) => {
    const mask = b.op('Cast', [column(b, attentionMask)], { to: int(9) })
    const masked = b.op('Where', [mask, hidden, b.constant(floatScalar(-1e9), 'masked')])
    return b.op('ReduceMax', [masked, b.int64s([1], 'axis')], { keepdims: int(0) })
  },
  // Σ mask·x / max(Σ mask, 1e-9)
  mean: (b, encoded) => b.op('Div', [sumTokens(b, encoded), tokenCount(b, encoded)]),
  'mean-sqrt-length': (b, encoded) =>
    b.op('Div', [sumTokens(b, encoded), b.op('Sqrt', [tokenCount(b, encoded)])]),
}

function sumTokens(b: ModelBuilder, { hidden, attentionMask }: Encoded): Value {
  const weights = b.op('Cast', [column(b, attentionMask)], { to: int(1) })
  const axis = b.int64s([1], 'axis')
  return b.op('ReduceSum', [b.op('Mul', [hidden, weights]), axis], { keepdims: int(0) })
}

function tokenCount(b: ModelBuilder, { attentionMask }: Encoded): Value {
  const weights = b.op('Cast', [attentionMask], { to: int(1) })
  const sum = b.op('ReduceSum', [weights, b.int64s([1], 'axis')], { keepdims: int(1) })
  return atLeast(b, sum, 1e-9)
}

const column = (b: ModelBuilder, mask: Value): Value =>
  b.op('Unsqueeze', [mask, b.int64s([2], 'axis')])

const atLeast = (b: ModelBuilder, x: Value, low: number): Value =>
  b.op('Clip', [x, b.constant(floatScalar(low), 'low')])
