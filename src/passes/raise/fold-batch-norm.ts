/**
 * Batch normalization at inference is one scale and one shift a channel (Ioffe & Szegedy 2015):
 *
 *     s = γ / √(σ² + ε),  t = β − μ·s
 *
 * Behind a convolution or a linear layer that nobody else reads they become part of its weights, computed while
 * the file is written; anywhere else they are a Mul and an Add.
 */
import { floatOf, intOf } from '../../graph/attributes.ts'
import type { Attributes, Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { reshaped, type Tensor, transposed } from '../../graph/tensor.ts'
import { normFactors, normOffsets, scaledColumns, scaledRows } from '../../onnx/row-derivations.ts'

/** A normalization as scale and shift of `channels` numbers. */
interface Affine {
  readonly x: Value
  readonly scale: Tensor
  readonly shift: Tensor
  readonly channels: number
}

/** A layer with the scale and the shift inside; or why it cannot take them. */
type Fold = (layer: Node, affine: Affine, context: RewriteContext) => Value | string

function affineOf(node: Node, context: RewriteContext): Affine | undefined {
  const [x, ...stored] = node.inputs
  const rows = stored.map((value) => floats(value, context))
  const channels = rows[0]?.shape[0]
  const isRow = (row: Tensor | undefined) => row?.shape.length === 1 && row.shape[0] === channels
  const trains = intOf(node, 'training_mode', 0) !== 0 || node.outputs.length > 1
  if (!x || trains || channels === undefined || rows.length !== 4 || !rows.every(isRow)) {
    return undefined
  }
  if (context.typeOf(x)?.dtype !== 'float32') return undefined
  const [gamma, beta, mean, variance] = rows as [Tensor, Tensor, Tensor, Tensor]
  const epsilon = floatOf(node, 'epsilon', 1e-5)
  const scale = normFactors(gamma, variance, epsilon)
  const shift = normOffsets([gamma, variance, beta, mean], epsilon)
  return { x, scale, shift, channels }
}

function floats(value: Value | undefined, context: RewriteContext): Tensor | undefined {
  const tensor = value && context.weight(value)?.tensor
  return tensor?.dtype === 'float32' ? tensor : undefined
}

/** `b·s + t`, or t where there is no bias; undefined for a bias that is no row of the channels. */
function shifted(bias: Value | undefined, affine: Affine, context: RewriteContext) {
  if (!bias) return affine.shift
  const row = floats(bias, context)
  const fits = row?.shape.length === 1 && row.shape[0] === affine.channels
  return fits ? scaledRows(row, affine.scale, affine.shift) : undefined
}

/** The layer with other weights. */
function rewritten(
  layer: Node,
  weight: Tensor,
  affine: Affine,
  context: RewriteContext,
  attributes: Attributes = layer.attributes,
): Value | string {
  const [x, old, bias] = layer.inputs
  const shift = shifted(bias, affine, context)
  if (!shift) return 'its bias is no stored row of its channels'
  const name = `${old!.name}.normalized`
  const inputs = [x, context.constant(weight, name), context.constant(shift, `${name}.bias`)]
  return context.op(layer.op, inputs, attributes, { origin: layer.origin })
}

const folds: Readonly<Record<string, Fold>> = {
  Conv(layer, affine, context) {
    const weight = floats(layer.inputs[1], context)
    if (weight?.shape[0] !== affine.channels) return 'its weights are not stored'
    return rewritten(layer, scaledRows(weight, affine.scale), affine, context)
  },
  ConvTranspose(layer, affine, context) {
    const weight = floats(layer.inputs[1], context)
    if (intOf(layer, 'group', 1) !== 1) return 'it has several groups'
    if (weight?.shape[1] !== affine.channels) return 'its weights are not stored'
    // channels come second
    const perm = weight.shape.map((_, axis) => (axis < 2 ? 1 - axis : axis))
    const scaled = transposed(scaledRows(transposed(weight, perm), affine.scale), perm)
    return rewritten(layer, scaled, affine, context)
  },
  Gemm(layer, affine, context) {
    const weight = floats(layer.inputs[1], context)
    if (floatOf(layer, 'beta', 1) !== 1) return 'its bias has a factor'
    const isStoredByRow = intOf(layer, 'transB', 0) !== 0
    if (weight?.shape[isStoredByRow ? 0 : 1] !== affine.channels)
      return 'its weights are not stored'
    const scaled = (isStoredByRow ? scaledRows : scaledColumns)(weight, affine.scale)
    return rewritten(layer, scaled, affine, context)
  },
  MatMul: (layer, affine, context) => product(layer, undefined, affine, context),
  Add(layer, affine, context) {
    for (const [value, bias] of [layer.inputs, layer.inputs.toReversed()]) {
      const matmul = value && context.producer(value)
      if (matmul?.op !== 'MatMul' || matmul.domain !== '' || context.uses(value!) > 1) continue
      return product(matmul, bias, affine, context)
    }
    return 'it adds to no product'
  },
}

/** `MatMul(x, W) + b` on rows, W stored `[in, out]`. */
function product(
  matmul: Node,
  bias: Value | undefined,
  affine: Affine,
  context: RewriteContext,
): Value | string {
  const [x, right] = matmul.inputs
  const weight = floats(right, context)
  const rank = context.typeOf(matmul.outputs[0]!)?.shape?.length
  const isMatrix = weight?.shape.length === 2 && weight.shape[1] === affine.channels
  if (!isMatrix || rank !== 2) return 'it is no product of rows and a stored matrix'
  const shift = shifted(bias, affine, context)
  if (!shift) return 'its bias is no stored row of its channels'
  const name = `${right!.name}.normalized`
  const scaled = context.constant(scaledColumns(weight, affine.scale), name)
  const { origin } = matmul
  const y = context.op('MatMul', [x, scaled], {}, { origin })
  return context.op('Add', [y, context.constant(shift, `${name}.bias`)], {}, { origin })
}

/** Into the layer before it. */
export const foldBatchNorm: NodeRule = {
  name: 'batch-norm-into-layer',
  anchors: ['BatchNormalization'],
  apply(node, context) {
    const affine = affineOf(node, context)
    const layer = affine && context.producer(affine.x)
    const fold = layer?.domain === '' && Object.hasOwn(folds, layer.op) && folds[layer.op]
    if (!affine || !layer || !fold) return undefined
    const folded = context.uses(affine.x) > 1 ? 'is read elsewhere' : fold(layer, affine, context)
    if (typeof folded !== 'string') return [folded]
    context.miss('batch-norm-into-layer', 2, `${layer.op}: ${folded}`, affine.x)
    return undefined
  },
}

/** As a Mul and an Add. */
export const batchNormAsAffine: NodeRule = {
  name: 'batch-norm-as-affine',
  anchors: ['BatchNormalization'],
  apply(node, context) {
    const affine = affineOf(node, context)
    const rank = affine && context.typeOf(affine.x)?.shape?.length
    if (!affine || rank === undefined || rank < 2) return undefined
    const shape = [affine.channels, ...new Array<number>(rank - 2).fill(1)]
    const row = (tensor: Tensor, name: string) =>
      context.constant(rank === 2 ? tensor : reshaped(tensor, shape), name)
    const scaled = context.op('Mul', [affine.x, row(affine.scale, 'scale')])
    return [context.op('Add', [scaled, row(affine.shift, 'shift')])]
  },
}
