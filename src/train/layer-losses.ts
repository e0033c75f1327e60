/**
 * Learning from a teacher's inner layers. `mask` is the attention mask `[B, S]`: padded tokens count nowhere,
 * neither as tokens, nor as queries or keys.
 *
 * TinyBERT (Jiao et al. 2020), equations 7 to 9; DistilBERT (Sanh et al. 2019); MiniLM and MiniLMv2 (Wang et
 * al. 2020, 2021).
 */
import { int, ints } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { keyBias, maskedMean, realQueries, realTokens, scaledBy } from './masked-mean.ts'

const overLast = (b: GraphBuilder, op: 'ReduceSum' | 'ReduceMean' | 'ReduceL2', x: Value): Value =>
  b.op(op, [x, b.int64s([-1], 'axis')], { keepdims: int(0) })

const squareOf = (b: GraphBuilder, x: Value): Value => b.op('Mul', [x, x])

/** x `[…, in]` by a matrix stored `[out, in]`, plus a bias. */
export interface Projection {
  readonly weight: Value
  readonly bias?: Value | undefined
}

export function project(b: GraphBuilder, x: Value, { weight, bias }: Projection): Value {
  const turned = b.op('Transpose', [weight], { perm: ints([1, 0]) })
  const product = b.op('MatMul', [x, turned])
  return bias ? b.op('Add', [product, bias]) : product
}

/** Mean over real tokens of mean_d (h_s·Wᵀ − h_t)²; hidden states `[B, S, d]`. */
export function hiddenError(
  b: GraphBuilder,
  student: Value,
  teacher: Value,
  mask: Value,
  projection?: Projection,
): Value {
  return b.scope('loss', () => {
    const own = projection ? project(b, student, projection) : student
    const error = overLast(b, 'ReduceMean', squareOf(b, b.op('Sub', [own, teacher])))
    return maskedMean(b, error, realTokens(b, mask))
  })
}

/** Mean over real tokens of 1 − cos(h_s, h_t). */
export function hiddenCosine(b: GraphBuilder, student: Value, teacher: Value, mask: Value): Value {
  return b.scope('loss', () =>
    maskedMean(b, angleBetween(b, student, teacher), realTokens(b, mask)),
  )
}

/** Mean over rows of 1 − cos(v_s·Wᵀ, v_t); vectors `[B, d]`. */
export function vectorCosine(
  b: GraphBuilder,
  student: Value,
  teacher: Value,
  projection?: Projection,
): Value {
  return b.scope('loss', () => {
    const own = projection ? project(b, student, projection) : student
    return b.op('ReduceMean', [angleBetween(b, own, teacher)], { keepdims: int(0) })
  })
}

/** 1 − cos of vectors along the last axis. */
function angleBetween(b: GraphBuilder, student: Value, teacher: Value): Value {
  const least = b.constant(floatScalar(1e-8), 'least')
  const length = (x: Value) => b.op('Max', [overLast(b, 'ReduceL2', x), least])
  const product = overLast(b, 'ReduceSum', b.op('Mul', [student, teacher]))
  const cosine = b.op('Div', [product, b.op('Mul', [length(student), length(teacher)])])
  return b.op('Sub', [b.constant(floatScalar(1), 'one'), cosine])
}

/** MSE of attention scores before mask and softmax `[B, H, S, S]`, over real queries and keys. */
export function scoreError(b: GraphBuilder, student: Value, teacher: Value, mask: Value): Value {
  return b.scope('loss', () => {
    const real = realTokens(b, mask)
    const queries = b.op('Unsqueeze', [real, b.int64s([1, 3], 'axes')])
    const keys = b.op('Unsqueeze', [real, b.int64s([1, 2], 'axes')])
    const error = squareOf(b, b.op('Sub', [student, teacher]))
    return maskedMean(b, error, b.op('Mul', [queries, keys]))
  })
}

/** Two sets of vectors `[B, H, S, d]` whose products are a relation: queries and keys, values and values. */
export type Relation = readonly [Value, Value]

/** ln softmax(A·Bᵀ/√d) over real keys. */
function logRelation(b: GraphBuilder, [left, right]: Relation, bias: Value): Value {
  const width = b.op('Cast', [b.op('Shape', [left], { start: int(-1) })], { to: int(1) })
  const turned = b.op('Transpose', [right], { perm: ints([0, 1, 3, 2]) })
  const scaled = b.op('Div', [b.op('MatMul', [left, turned]), b.op('Sqrt', [width])])
  return b.op('LogSoftmax', [b.op('Add', [scaled, bias])], { axis: int(-1) })
}

/** Mean over batch, heads and real queries of KL(teacher's relation ‖ student's). */
export function relationDivergence(
  b: GraphBuilder,
  student: Relation,
  teacher: Relation,
  mask: Value,
): Value {
  return b.scope('loss', () => {
    const real = realTokens(b, mask)
    const bias = keyBias(b, real)
    const theirs = logRelation(b, teacher, bias)
    const difference = b.op('Sub', [theirs, logRelation(b, student, bias)])
    const each = overLast(b, 'ReduceSum', b.op('Mul', [b.op('Exp', [theirs]), difference]))
    return maskedMean(b, each, realQueries(b, real))
  })
}

/** Heads `[B, H, S, d]` split again into `heads` relation heads `[B, heads, S, H·d/heads]` (MiniLMv2). */
export function relationHeads(
  b: GraphBuilder,
  x: Value,
  { width, heads }: { readonly width: number; readonly heads: number },
): Value {
  const turn = { perm: ints([0, 2, 1, 3]) }
  const rows = b.op('Transpose', [x], turn)
  const split = b.op('Reshape', [rows, b.int64s([0, 0, heads, width / heads])])
  return b.op('Transpose', [split], turn)
}

/** Σ wᵢ·Lᵢ */
export function weightedSum(
  b: GraphBuilder,
  terms: readonly { readonly loss: Value; readonly weight: number }[],
): Value {
  return terms
    .map(({ loss, weight }) => scaledBy(b, loss, weight))
    .reduce((sum, loss) => b.op('Add', [sum, loss]))
}
