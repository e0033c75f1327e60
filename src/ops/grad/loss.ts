/** Gradients of the loss operators: labels are class indices, scores have the classes on axis 1. */
import { int, intOf, stringOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import { float32Tensor, int64Tensor } from '../../graph/tensor.ts'
import type { KnownOp } from '../known.ts'
import { type GradContext, type GradEntry, type GradRow, gradientError } from './grad-row.ts'

/** One-hot labels, and what each position weighs: dL·w/Σw (mean), dL·w (sum), dL[…]·w (none). */
function labelled({ g, node, inputs, dy }: GradContext): { hot: Value; weight: Value } {
  const [scores, labels, classWeights] = inputs as [Value, Value, Value | undefined]
  const classes = g.op('Squeeze', [g.sizeOf(scores, 1)])
  const ignored = intOf(node, 'ignore_index', undefined)
  const like = g.constant(int64Tensor([ignored ?? 0], []), 'ignored')
  const valid =
    ignored === undefined ? undefined : g.op('Not', [g.equal(labels, g.castLike(like, labels))])
  const zero = g.castLike(g.constant(int64Tensor([0], []), 'zero'), labels)
  const safe = valid ? g.op('Where', [valid, labels, zero]) : labels
  const bits = g.castLike(g.constant(float32Tensor([0, 1]), 'off_on'), scores)
  const hot = g.op('OneHot', [safe, classes, bits], { axis: int(1) })
  const own = classWeights ? g.op('Gather', [classWeights, safe]) : undefined
  const counts = valid
    ? own
      ? g.where(valid, own, 0)
      : g.castLike(valid, scores)
    : (own ?? g.expandLike(g.number(1, scores), labels))
  const mean = stringOf(node, 'reduction', 'mean') === 'mean'
  const total = () => g.op('ReduceSum', [counts], { keepdims: int(0) })
  const weight = g.mul(counts, mean ? g.div(dy, total()) : dy)
  return { hot, weight: g.unsqueeze(weight, 1) }
}

/** dX = (softmax − onehot)·weight; class weights are settings, not trained */
const softmaxCrossEntropy: GradRow = (context) => {
  const { g, outputGradients, extraOutput } = context
  if (outputGradients[1] || !outputGradients[0])
    throw gradientError('the log-probabilities of a loss')
  const { hot, weight } = labelled(context)
  return [g.mul(g.sub(g.exp(extraOutput(1)), hot), weight)]
}

/** dX = −onehot·weight */
const negativeLogLikelihood: GradRow = (context) => {
  const { hot, weight } = labelled(context)
  return [context.g.neg(context.g.mul(hot, weight))]
}

export const losses = {
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
  NegativeLogLikelihoodLoss: negativeLogLikelihood,
} satisfies Partial<Record<KnownOp, GradEntry>>
