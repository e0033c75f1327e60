/** Types of normalizations, softmax, dropout and losses. */
import { intOf, stringOf } from '../../graph/attributes.ts'
import { dataTypeOfCode } from '../../graph/data-type.ts'
import type { KnownOp } from '../known.ts'
import { same } from './elementwise.ts'
import {
  agree,
  axisOf,
  contradict,
  type InferContext,
  type InferRow,
  type InferredType,
  like,
  typed,
} from './infer-row.ts'

/** Mean and 1/σ: the normalized axes become 1; float32 unless stash_type says otherwise. */
function statistics({ node, inputs: [x] }: InferContext, axis: number): InferredType | undefined {
  const dtype = dataTypeOfCode(intOf(node, 'stash_type', 1))
  const at = x?.shape && axisOf(axis, x.shape.length)
  return typed(
    dtype,
    x?.shape?.map((dim, i) => (i >= at! ? 1 : dim)),
  )
}

const layerNorm: InferRow = (context) => {
  const [x, scale] = context.inputs
  const axis = intOf(context.node, 'axis', -1)
  const [width, size] = [x?.shape?.at(-1), scale?.shape?.at(-1)]
  if (width !== undefined && typeof size === 'number' && size !== 1)
    agree(width, size, 'normalized axis')
  const statistic = statistics(context, axis)
  return [like(x), statistic, statistic]
}

/** Y, mean, 1/σ, x + skip + bias. */
const skipLayerNorm: InferRow = (context) => {
  const statistic = statistics(context, -1)
  return [like(context.inputs[0]), statistic, statistic, like(context.inputs[0])]
}

const batchNorm: InferRow = ({ inputs: [x, , , mean, variance] }) => [
  like(x),
  like(mean),
  like(variance),
]

const softmax: InferRow = (context) => {
  const rank = context.inputs[0]?.shape?.length
  if (rank !== undefined) axisOf(intOf(context.node, 'axis', -1), rank)
  return same(context)
}

/** A loss is a scalar, or one number a label where nothing is reduced; then log-probabilities. */
const loss: InferRow = ({ node, inputs: [scores, labels] }) => {
  if (scores?.shape && labels?.shape && scores.shape.length !== labels.shape.length + 1) {
    contradict(`labels of rank ${labels.shape.length} for scores of rank ${scores.shape.length}`)
  }
  const shape = stringOf(node, 'reduction', 'mean') === 'none' ? labels?.shape : []
  return [typed(scores?.dtype, shape), like(scores)]
}

export const normalization = {
  Softmax: softmax,
  LogSoftmax: softmax,
  LayerNormalization: layerNorm,
  RMSNormalization: same,
  BatchNormalization: batchNorm,
  GroupNormalization: same,
  InstanceNormalization: same,
  Dropout: ({ inputs: [x] }) => [like(x), typed('bool', x?.shape)],
  SoftmaxCrossEntropyLoss: loss,
  NegativeLogLikelihoodLoss: loss,
  'com.microsoft::SkipLayerNormalization': skipLayerNorm,
  'com.microsoft::SkipSimplifiedLayerNormalization': skipLayerNorm,
  'com.microsoft::Gelu': same,
  'com.microsoft::BiasGelu': same,
  'com.microsoft::FastGelu': same,
  'com.microsoft::QuickGelu': same,
} satisfies Partial<Record<KnownOp, InferRow>>
