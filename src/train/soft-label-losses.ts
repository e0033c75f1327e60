/**
 * Learning from a teacher's answers (Hinton et al. 2015): classes are the last axis, the mean is over rows.
 *
 * The teacher's side is logits, probabilities, or its few most likely classes with their probabilities (what
 * a cache on disk keeps). Nothing flows back to it: it comes in as data.
 */
import { int } from '../graph/attributes.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import { maskedMean, scaledBy } from './masked-mean.ts'

/** What a teacher said of each row; `real` `[…]` has 1 for rows that count. */
export type SoftLabels = (
  | { readonly logits: Value }
  | { readonly probabilities: Value }
  | { readonly classes: Value; readonly probabilities: Value }
) & { readonly real?: Value | undefined }

export interface SoftLossOptions {
  /** T: both sides' logits are divided by it; given probabilities must have been made with it. Default 1. */
  readonly temperature?: number
  /** `rows` (PyTorch's `batchmean`, default) or also over classes, as TinyBERT's code does. */
  readonly mean?: 'rows' | 'elements'
}

const last = { axis: int(-1) }
const rowSum = (b: GraphBuilder, x: Value): Value =>
  b.op('ReduceSum', [x, b.int64s([-1], 'axis')], { keepdims: int(0) })

/** Probabilities of the teacher and the student's log-probabilities of the same classes. */
function sides(b: GraphBuilder, student: Value, labels: SoftLabels, temperature: number) {
  const own = b.op('LogSoftmax', [scaledBy(b, student, 1 / temperature)], last)
  if ('logits' in labels) {
    const scaled = scaledBy(b, labels.logits, 1 / temperature)
    return {
      own,
      theirs: b.op('Softmax', [scaled], last),
      logTheirs: b.op('LogSoftmax', [scaled], last),
    }
  }
  const theirs = labels.probabilities
  const least = b.constant(floatScalar(1e-30), 'least')
  const logTheirs = b.op('Log', [b.op('Max', [theirs, least])])
  if (!('classes' in labels)) return { own, theirs, logTheirs }
  return { own: b.op('GatherElements', [own, labels.classes], last), theirs, logTheirs }
}

function rowMean(
  b: GraphBuilder,
  each: Value,
  student: Value,
  labels: SoftLabels,
  mean: SoftLossOptions['mean'],
): Value {
  const loss = maskedMean(b, rowSum(b, each), labels.real)
  if (mean !== 'elements') return loss
  const classes = b.op('Shape', [student], { start: int(-1) })
  const count = b.op('Squeeze', [b.op('Cast', [classes], { to: int(1) })])
  return b.op('Div', [loss, count])
}

/** T²·KL(softmax(t/T) ‖ softmax(s/T)) */
export function divergence(
  b: GraphBuilder,
  student: Value,
  labels: SoftLabels,
  { temperature = 1, mean }: SoftLossOptions = {},
): Value {
  return b.scope('loss', () => {
    const { own, theirs, logTheirs } = sides(b, student, labels, temperature)
    const each = b.op('Mul', [theirs, b.op('Sub', [logTheirs, own])])
    return scaledBy(b, rowMean(b, each, student, labels, mean), temperature ** 2)
  })
}

/** −Σ softmax(t/T)·ln softmax(s/T): TinyBERT's prediction layer. */
export function softCrossEntropy(
  b: GraphBuilder,
  student: Value,
  labels: SoftLabels,
  { temperature = 1, mean }: SoftLossOptions = {},
): Value {
  return b.scope('loss', () => {
    const { own, theirs } = sides(b, student, labels, temperature)
    return b.op('Neg', [rowMean(b, b.op('Mul', [theirs, own]), student, labels, mean)])
  })
}

/** The class that a teacher finds most likely, as a label for cross entropy (DeiT's hard distillation). */
export const hardLabels = (b: GraphBuilder, teacher: Value): Value =>
  b.op('ArgMax', [teacher], { axis: int(-1), keepdims: int(0) })

/** Mean of (s − t)² over logits of rows that count. */
export function logitError(b: GraphBuilder, student: Value, teacher: Value, real?: Value): Value {
  return b.scope('loss', () => {
    const difference = b.op('Sub', [student, teacher])
    const square = b.op('Mul', [difference, difference])
    const row = b.op('ReduceMean', [square, b.int64s([-1], 'axis')], { keepdims: int(0) })
    return maskedMean(b, row, real)
  })
}
