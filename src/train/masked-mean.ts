/**
 * Means over what is real: padding must not change a loss, however much of it a batch has.
 *
 * `real` is 1 where something counts and 0 where it is padding, of the shape that is averaged or one that
 * broadcasts to it.
 */
import { int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'

const all = { keepdims: int(0) }

/** Σ x·real / Σ real, over everything; the plain mean without `real`. */
export function maskedMean(b: GraphBuilder, x: Value, real?: Value): Value {
  if (!real) return b.op('ReduceMean', [x], all)
  const spread = b.op('Expand', [real, b.op('Shape', [x])])
  const sum = b.op('ReduceSum', [b.op('Mul', [x, spread])], all)
  return b.op('Div', [sum, b.op('ReduceSum', [spread], all)])
}

/** A mask of tokens `[B, S]` (integers) as floats. */
export const realTokens = (b: GraphBuilder, mask: Value): Value =>
  b.op('Cast', [mask], { to: int(1) })

/** Real tokens as queries: `[B, 1, S]`, beside heads. */
export const realQueries = (b: GraphBuilder, real: Value): Value =>
  b.op('Unsqueeze', [real, b.int64s([1], 'axis')])

/** What is added to scores so that padded keys get no weight: `[B, 1, 1, S]`, 0 or −1e9. */
export function keyBias(b: GraphBuilder, real: Value): Value {
  const away = b.op('Sub', [real, b.constant(floatScalar(1), 'one')])
  const bias = b.op('Mul', [away, b.constant(floatScalar(1e9), 'far')])
  return b.op('Unsqueeze', [bias, b.int64s([1, 2], 'axes')])
}

/** x·y by a number. */
export const scaledBy = (b: GraphBuilder, x: Value, factor: number): Value =>
  factor === 1 ? x : b.op('Mul', [x, b.constant(floatScalar(factor), `${factor}`)])
