/** Gradients of softmax, normalizations and dropout. x̂ is the normalized x, r = 1/σ, ḡ a mean. */
import { floatOf, intOf } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'
import type { GradBuilder } from './grad-builder.ts'
import { type GradEntry, type GradRow, gradientError, nonDifferentiable } from './grad-row.ts'

const from = (first: number, rank: number): number[] =>
  Array.from({ length: rank - first }, (_, i) => first + i)

/** y·(dY − Σ dY·y) */
const softmax: GradRow = ({ g, node, outputs: [y], dy }) => {
  const axis = intOf(node, 'axis', -1)
  return [g.mul(y!, g.sub(dy, g.sum(g.mul(dy, y!), [axis])))]
}

/** dY − e^y·Σ dY */
const logSoftmax: GradRow = ({ g, node, outputs: [y], dy }) => {
  const axis = intOf(node, 'axis', -1)
  return [g.sub(dy, g.mul(g.exp(y!), g.sum(dy, [axis])))]
}

/** dX = r·(g − mean(g) − x̂·mean(g·x̂)), g = dY·γ */
function centred(g: GradBuilder, normal: Value, rate: Value, inner: Value, axes: number[]): Value {
  const along = g.mul(normal, g.mean(g.mul(inner, normal), axes))
  return g.mul(rate, g.sub(g.sub(inner, g.mean(inner, axes)), along))
}

/** dγ = Σ dY·x̂, dβ = Σ dY; mean and 1/σ come from the forward operator */
const layerNorm: GradRow = ({ g, node, inputs, dy, wants, extraOutput, outputGradients }) => {
  const [x, scale] = inputs as [Value, Value]
  if (outputGradients[1] || outputGradients[2])
    throw gradientError('the statistics of a normalization')
  const axes = from(g.axis(x, intOf(node, 'axis', -1)), g.rank(x))
  const [mean, rate] = [g.castLike(extraOutput(1), x), g.castLike(extraOutput(2), x)]
  const normal = g.mul(g.sub(x, mean), rate)
  return [
    wants(0) ? centred(g, normal, rate, g.mul(dy, scale), axes) : undefined,
    wants(1) ? g.mul(dy, normal) : undefined,
    wants(2) ? dy : undefined,
  ]
}

/** x̂ = x·r, r = 1/√(mean x² + ε): dX = r·(g − x̂·mean(g·x̂)) */
const rmsNorm: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [x, scale] = inputs as [Value, Value]
  const axes = from(g.axis(x, intOf(node, 'axis', -1)), g.rank(x))
  const square = g.mean(g.square(x), axes)
  const rate = g.op('Reciprocal', [g.sqrt(g.add(square, floatOf(node, 'epsilon', 1e-5)))])
  const normal = g.mul(x, rate)
  const inner = g.mul(dy, scale)
  const along = g.mul(normal, g.mean(g.mul(inner, normal), axes))
  return [
    wants(0) ? g.mul(rate, g.sub(inner, along)) : undefined,
    wants(1) ? g.mul(dy, normal) : undefined,
  ]
}

/** r = 1/√(σ² + ε) over `axes`, and x̂ */
function normalized(g: GradBuilder, x: Value, axes: number[], epsilon: number) {
  const deviation = g.sub(x, g.mean(x, axes))
  const variance = g.mean(g.square(deviation), axes)
  const rate = g.op('Reciprocal', [g.sqrt(g.add(variance, epsilon))])
  return { rate, normal: g.mul(deviation, rate) }
}

/** [C] as [C, 1, …], to stand beside [N, C, …] */
const perChannel = (g: GradBuilder, value: Value, rank: number): Value =>
  g.unsqueeze(value, ...from(1, rank - 1))

/** Training: batch statistics, recomputed. Inference: an affine map of the running ones. */
const batchNorm: GradRow = ({ g, node, inputs, dy, wants }) => {
  const [x, scale, , mean, variance] = inputs as [Value, Value, Value, Value, Value]
  const rank = g.rank(x)
  const axes = [0, ...from(2, rank)]
  const epsilon = floatOf(node, 'epsilon', 1e-5)
  const gamma = perChannel(g, scale, rank)
  const sum = (value: Value) => g.sum(value, axes, false)
  if (intOf(node, 'training_mode', 0) === 1) {
    const { rate, normal } = normalized(g, x, axes, epsilon)
    const dx = wants(0) ? centred(g, normal, rate, g.mul(dy, gamma), axes) : undefined
    return [dx, sum(g.mul(dy, normal)), sum(dy)]
  }
  const rate = g.op('Reciprocal', [g.sqrt(g.add(perChannel(g, variance, rank), epsilon))])
  const normal = g.mul(g.sub(x, perChannel(g, mean, rank)), rate)
  const inner = g.mul(g.mul(dy, gamma), rate)
  return [
    inner,
    wants(1) ? sum(g.mul(dy, normal)) : undefined,
    wants(2) ? sum(dy) : undefined,
    wants(3) ? g.neg(sum(inner)) : undefined,
    // y depends on σ² by x̂ alone: −½·Σ dY·γ·x̂·r²
    wants(4) ? g.mul(sum(g.mul(g.mul(inner, normal), rate)), -0.5) : undefined,
  ]
}

/** Statistics over each group of channels: [N, groups, the rest] */
const grouped =
  (groupsOf: (context: Parameters<GradRow>[0]) => number): GradRow =>
  (context) => {
    const { g, node, inputs, dy, wants } = context
    const [x, scale] = inputs as [Value, Value]
    const rank = g.rank(x)
    const parts = (value: Value) => g.reshape(value, 0, groupsOf(context), -1)
    const { rate, normal } = normalized(g, parts(x), [2], floatOf(node, 'epsilon', 1e-5))
    const whole = g.reshapeLike(normal, x)
    const inner = parts(g.mul(dy, perChannel(g, scale, rank)))
    const sum = (value: Value) => g.sum(value, [0, ...from(2, rank)], false)
    return [
      wants(0) ? g.reshapeLike(centred(g, normal, rate, inner, [2]), x) : undefined,
      wants(1) ? sum(g.mul(dy, whole)) : undefined,
      wants(2) ? sum(dy) : undefined,
    ]
  }

const channelsOf: Parameters<typeof grouped>[0] = ({ g, inputs: [x] }) => {
  const channels = g.shape(x!)[1]
  if (typeof channels !== 'number') throw gradientError('the number of channels is not known')
  return channels
}

/** dY·mask/(1−p) where it trains, dY where it does not */
const dropout: GradRow = ({ g, inputs, dy, extraOutput }) => {
  const [, ratio, training] = inputs
  const trains = training ? g.numberOf(training) : 0
  if (trains === 0) return [dy]
  const mask = g.castLike(extraOutput(1), dy)
  const drop = ratio ? g.numberOf(ratio) : 0.5
  const keep = drop === undefined ? g.sub(1, g.castLike(ratio!, dy)) : g.number(1 - drop, dy)
  const masked = g.div(g.mul(dy, mask), keep)
  return [trains === undefined ? g.where(training!, masked, dy) : masked]
}

const lowered = nonDifferentiable('it exists only in lowered graphs: differentiate the logical one')

export const normalization = {
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  BatchNormalization: batchNorm,
  GroupNormalization: grouped(({ node }) => intOf(node, 'num_groups', 1)),
  InstanceNormalization: grouped(channelsOf),
  Dropout: dropout,
  'com.microsoft::SkipLayerNormalization': lowered,
  'com.microsoft::SkipSimplifiedLayerNormalization': lowered,
} satisfies Partial<Record<KnownOp, GradEntry>>
