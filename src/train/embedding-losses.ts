/**
 * Losses of sentence embeddings over pairs: rows hold the first texts of all pairs, then the second ones.
 *
 * Contrastive: the partner of a text among the second texts of the batch, by cross entropy over scaled
 * cosines (Henderson et al. 2017; InfoNCE; `MultipleNegativesRankingLoss` of sentence-transformers).
 */
import { int, ints } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { crossEntropy, meanSquaredError } from './losses.ts'

/** What sentence-transformers multiplies cosines by. */
const SCALE = 20

/** Rows of length 1. */
export function unitRows(b: GraphBuilder, rows: Value): Value {
  const norm = b.op('ReduceL2', [rows, b.int64s([1], 'axis')], { keepdims: int(1) })
  return b.op('Div', [rows, b.op('Max', [norm, b.constant(floatScalar(1e-8), 'least')])])
}

/** The same as first and second texts: `[2P, D]` → twice `[P, D]`. */
const unitHalves = (b: GraphBuilder, rows: Value): readonly [Value, Value] =>
  b.ops('Split', [unitRows(b, rows)], 2, { axis: int(0), num_outputs: int(2) }) as [Value, Value]

/**
 * −mean ln softmax(scale · cos(aᵢ, bⱼ))[i, partner(i)] over `rows` `[2P, D]` and int64 `partners` `[P]`.
 */
export function contrastive(
  b: GraphBuilder,
  rows: Value,
  partners: Value,
  scale: number = SCALE,
): Value {
  return b.scope('loss', () => {
    const [first, second] = unitHalves(b, rows)
    const cosines = b.op('MatMul', [first, b.op('Transpose', [second], { perm: ints([1, 0]) })])
    const scores = b.op('Mul', [cosines, b.constant(floatScalar(scale), 'scale')])
    return crossEntropy(b, scores, partners)
  })
}

/** mean (cos(aᵢ, bᵢ) − tᵢ)² over `rows` `[2P, D]` and float32 `targets` `[P]`. */
export function cosineError(b: GraphBuilder, rows: Value, targets: Value): Value {
  return b.scope('loss', () => {
    const [first, second] = unitHalves(b, rows)
    const product = b.op('Mul', [first, second])
    const cosines = b.op('ReduceSum', [product, b.int64s([1], 'axis')], { keepdims: int(0) })
    return meanSquaredError(b, cosines, targets)
  })
}
