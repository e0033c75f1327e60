/**
 * Losses as graphs of plain operators, so that the gradient table differentiates them like the rest.
 *
 * Classes are the last axis; every loss is a float32 scalar, the mean over what counts.
 */
import { int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar, int64Tensor } from '../graph/tensor.ts'

export interface CrossEntropyOptions {
  /** Positions with this label do not count (padding); default −100, as in PyTorch. */
  readonly ignoreIndex?: number
  /** ε: the target is (1−ε) on the label and ε spread evenly over all classes (Szegedy et al. 2016). */
  readonly labelSmoothing?: number
}

const all = { keepdims: int(0) }

/**
 * Cross entropy of `logits` [..., classes] with int64 `labels` [...]:
 * L = −Σᵢ wᵢ·((1−ε)·ln pᵢ[yᵢ] + ε·mean ln pᵢ) / Σ wᵢ, wᵢ = 0 where the label is ignored; 0 where all are.
 */
export function crossEntropy(
  b: GraphBuilder,
  logits: Value,
  labels: Value,
  options: CrossEntropyOptions = {},
): Value {
  const { ignoreIndex = -100, labelSmoothing = 0 } = options
  return b.scope('loss', () => {
    const zero = b.constant(int64Tensor([0], []), 'zero')
    const ignored = b.constant(int64Tensor([ignoreIndex], []), 'ignored')
    const last = b.int64s([-1], 'axis')
    const counts = b.op('Not', [b.op('Equal', [labels, ignored])])
    const safe = b.op('Where', [counts, labels, zero])
    const weights = b.op('Cast', [counts], { to: int(1) })
    const logProbabilities = b.op('LogSoftmax', [logits], { axis: int(-1) })
    const column = b.op('Unsqueeze', [safe, last])
    const own = b.op('GatherElements', [logProbabilities, column], { axis: int(-1) })
    let score = b.op('Squeeze', [own, last])
    if (labelSmoothing > 0) {
      const even = b.op('ReduceMean', [logProbabilities, last], all)
      const part = b.op('Mul', [even, b.constant(floatScalar(labelSmoothing), 'epsilon')])
      const rest = b.constant(floatScalar(1 - labelSmoothing), 'one_minus_epsilon')
      score = b.op('Add', [b.op('Mul', [score, rest]), part])
    }
    const sum = b.op('ReduceSum', [b.op('Mul', [score, weights])], all)
    // a batch in which nothing has a label has no loss
    const one = b.constant(floatScalar(1), 'one')
    const count = b.op('Max', [b.op('ReduceSum', [weights], all), one])
    return b.op('Neg', [b.op('Div', [sum, count])])
  })
}

/**
 * Cross entropy over the few positions that have a label (masked language models): `logits` of the others are
 * not computed at all. [batch, tokens, classes] with labels [batch, tokens]; 0 where nothing has a label.
 */
export function labelledCrossEntropy(
  b: GraphBuilder,
  logits: Value,
  labels: Value,
  options: CrossEntropyOptions = {},
): Value {
  const { ignoreIndex = -100 } = options
  return b.scope('loss', () => {
    const flat = b.op('Reshape', [labels, b.int64s([-1])])
    const places = labelledPlaces(b, flat, ignoreIndex)
    const rows = b.op('Flatten', [logits], { axis: int(-1) })
    const some = b.op('Gather', [flat, places])
    return crossEntropy(b, b.op('Gather', [rows, places]), some, options)
  })
}

/** Places in `labels` `[n]` that have a label; where none has, the first stands for it. */
export function labelledPlaces(b: GraphBuilder, labels: Value, ignoreIndex = -100): Value {
  const ignored = b.constant(int64Tensor([ignoreIndex], []), 'ignored')
  const counts = b.op('Not', [b.op('Equal', [labels, ignored])])
  const found = b.op('Reshape', [b.op('NonZero', [counts]), b.int64s([-1])])
  const size = b.op('Reshape', [b.op('Size', [found]), b.int64s([1])])
  const count = b.op('Max', [size, b.int64s([1], 'least')])
  const some = b.op('Concat', [found, b.int64s([0], 'first')], { axis: int(0) })
  return b.op('Slice', [some, b.int64s([0], 'start'), count, b.int64s([0], 'axis')])
}

/** Several labels at once: mean of softplus(x) − x·t over `logits` and float32 `targets` of one shape. */
export function binaryCrossEntropy(b: GraphBuilder, logits: Value, targets: Value): Value {
  return b.scope('loss', () => {
    const each = b.op('Sub', [b.op('Softplus', [logits]), b.op('Mul', [logits, targets])])
    return b.op('ReduceMean', [each], all)
  })
}

/** Regression: mean of (x − t)² over predictions and float32 `targets` of one shape. */
export function meanSquaredError(b: GraphBuilder, predictions: Value, targets: Value): Value {
  return b.scope('loss', () => {
    const difference = b.op('Sub', [predictions, targets])
    return b.op('ReduceMean', [b.op('Mul', [difference, difference])], all)
  })
}
