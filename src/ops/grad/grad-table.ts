/**
 * The gradient facet. Formulas follow ONNX Runtime's gradient builders
 * (orttraining/core/graph/gradient_builder.cc) and PyTorch's derivatives, composed of plain operators,
 * since the inference build has no kernels of its own for gradients.
 */
import type { KnownOp } from '../known.ts'
import { convolution } from './convolution.ts'
import { elementwise } from './elementwise.ts'
import {
  type GradEntry,
  type GradRow,
  nonDifferentiable,
  stops,
  straightThrough,
} from './grad-row.ts'
import { indexing } from './indexing.ts'
import { losses } from './loss.ts'
import { matrix } from './matrix.ts'
import { movement } from './movement.ts'
import { normalization } from './normalization.ts'
import { reductions } from './reduction.ts'

const shapes = stops('speaks of shapes alone')
const random = stops('draws numbers that depend on no input')
const fused = nonDifferentiable('a fused kernel: differentiate the decomposed graph')
const control = nonDifferentiable('control flow: inline or unroll it before training')
const codes = straightThrough('rounding is taken for the identity, scales for constants')
const quantization = nonDifferentiable('its range follows from what it rounds')

/** dX = the rotation back, by the negative sine; the caches are constants */
const rotary: GradRow = ({ g, node, inputs, dy }) => {
  const [, cos, sin, positions] = inputs
  const turned = positions ? [dy, cos, g.neg(sin!), positions] : [dy, cos, g.neg(sin!)]
  return [g.op('RotaryEmbedding', turned, node.attributes)]
}

export const gradTable: { readonly [O in KnownOp]: GradEntry } = {
  ...elementwise,
  ...matrix,
  ...convolution,
  ...movement,
  ...indexing,
  ...reductions,
  ...normalization,
  ...losses,
  Shape: shapes,
  Size: shapes,
  Constant: shapes,
  ConstantOfShape: shapes,
  Range: stops('counts'),
  EyeLike: shapes,
  Attention: fused,
  RotaryEmbedding: rotary,
  DynamicQuantizeLinear: quantization,
  QuantizeLinear: codes,
  DequantizeLinear: codes,
  If: control,
  Loop: control,
  Scan: control,
  RandomUniform: random,
  RandomNormal: random,
  RandomUniformLike: random,
  RandomNormalLike: random,
  Bernoulli: random,
  Multinomial: random,
  'com.microsoft::MultiHeadAttention': fused,
}
