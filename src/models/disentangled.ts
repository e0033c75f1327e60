/**
 * Disentangled attention (He et al. 2021): a score is content·content plus content·position and
 * position·content, where a position is a row of a table picked by the bucket of the distance.
 *
 * The position terms are written without GatherElements: keys (or queries) of positions stand in the order
 * of distances, one product gives every token against every distance, and `skew` slides each row so that
 * distances become tokens. Only rows that a text of this length can reach are projected.
 */
import { int, ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import type { Heads } from './attention-block.ts'
import { layerNorm, linear } from './blocks.ts'
import type { DebertaDims, PositionTerm } from './deberta-config.ts'
import type { ModelBuilder } from './model-builder.ts'
import {
  bucketOf,
  debertaBuckets,
  range,
  scalar,
  toEnd,
  tokenCount,
  toStart,
} from './relative-position.ts'

/** What all layers share: table rows in reach, and which of them each distance reads. */
export interface RelativeTable {
  /** `[R, D]` */
  readonly rows: Value
  /** Row of each distance, int64 `[2S + 1]`, for every term in the order that its `skew` wants. */
  readonly rowOf: Readonly<Record<PositionTerm, Value>>
  /** Number of tokens, int64 `[1]`. */
  readonly length: Value
}

/** Rows of the relative table that distances of up to S tokens read. */
export function relativeTable(b: ModelBuilder, d: DebertaDims, ids: Value): RelativeTable {
  // first: a table of another size is refused before buckets are written down
  const table = b.weight('encoder.rel_embeddings.weight', [2 * d.span, d.hidden])
  const length = tokenCount(b, ids)
  const size = b.op('Squeeze', [length, b.int64s([0], 'axis')])
  const buckets = debertaBuckets(d.span, d.farthest, d.logarithmic)
  // column u of a query's row is the key u − S away from it, so the distance query − key is S − u
  const behind = range(b, b.op('Neg', [size]), b.op('Add', [size, scalar(b, 1)]))
  const c2p = bucketOf(b, b.op('Neg', [behind]), buckets)
  // distances the other way round; a rearrangement, so that both have one smallest and one largest row
  const axis = b.int64s([0], 'axis')
  const p2c = b.op('Slice', [c2p, b.int64s([-1], 'last'), toStart(b), axis, b.int64s([-1], 'step')])
  const lowest = b.op('ReduceMin', [c2p])
  const end = b.op('Add', [b.op('ReduceMax', [c2p]), scalar(b, 1)])
  const reached = b.op('Slice', [table, lowest, end, axis])
  const rowOf = { c2p: b.op('Sub', [c2p, lowest]), p2c: b.op('Sub', [p2c, lowest]) }
  if (!d.normalizedTable) return { rows: reached, rowOf, length }
  const rows = layerNorm(b, 'LayerNorm', reached, d.hidden, d.normEpsilon)
  return { rows, rowOf, length }
}

/** Module that projects positions: the content's own, or one of theirs. */
const projections = {
  c2p: { shared: 'key_proj', own: 'pos_key_proj' },
  p2c: { shared: 'query_proj', own: 'pos_query_proj' },
} as const

/** Sum of the position terms, scaled: `[B, H, S, S]`. */
export function positionScores(
  b: ModelBuilder,
  d: DebertaDims,
  { query, key }: Heads,
  table: RelativeTable,
  scale: number,
): Value {
  const term = (name: PositionTerm, content: Value): Value => {
    const path = projections[name][d.sharedProjections ? 'shared' : 'own']
    const projected = linear(b, path, table.rows, [d.hidden, d.hidden])
    const scaled = b.op('Mul', [projected, b.constant(floatScalar(scale), 'scale')])
    const placed = b.op('Gather', [scaled, table.rowOf[name]])
    const headSize = d.hidden / d.heads
    // [2S + 1, D] → [H, d, 2S + 1]
    const split = b.op('Reshape', [placed, b.int64s([0, d.heads, headSize])])
    const turned = b.op('Transpose', [split], { perm: ints([1, 2, 0]) })
    return skew(b, b.op('MatMul', [content, turned]), table.length)
  }
  const scores = {
    c2p: () => term('c2p', query),
    p2c: () => b.op('Transpose', [term('p2c', key)], { perm: ints([0, 1, 3, 2]) }),
  }
  return d.terms.map((name) => scores[name]()).reduce((sum, next) => b.op('Add', [sum, next]))
}

/**
 * `out[…, i, j] = x[…, i, j − i + S]`: `[B, H, S, 2S + 1]` → `[B, H, S, S]`. Read as one long row, an
 * element stands at `i·2S + j + S`: dropping S numbers and cutting into rows of 2S aligns them.
 */
function skew(b: ModelBuilder, x: Value, length: Value): Value {
  const flat = b.op('Reshape', [x, b.int64s([0, 0, -1])])
  const rest = b.op('Slice', [flat, length, toEnd(b), b.int64s([2], 'axis')])
  const shape = b.op('Concat', [b.int64s([0, 0]), length, b.op('Add', [length, length])], {
    axis: int(0),
  })
  const rows = b.op('Reshape', [rest, shape])
  return b.op('Slice', [rows, b.int64s([0], 'start'), length, b.int64s([3], 'axis')])
}
