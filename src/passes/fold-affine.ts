/**
 * A scale and a shift of each column after a linear layer become part of the layer: MobileBERT's norms
 * (NoNorm, Sun et al. 2020) are just these, two small operators after every product.
 *
 *     (x·Wᵀ + b)·s + t      →  x·(s⊙W)ᵀ + (b⊙s + t)
 *     (x·Wᵀ + b + z)·s + t  →  x·(s⊙W)ᵀ + (b⊙s + t) + z⊙s
 *
 * A scale per column of INT8 codes absorbs s: the codes stay as they were.
 */
import { ints } from '../graph/attributes.ts'
import type { Node, NodeQuantization, Value } from '../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import type { Tensor } from '../graph/tensor.ts'
import { scaledRows } from '../onnx/row-derivations.ts'
import { type LinearLayer, linearLayer } from './linear-layer.ts'

/** A layer of which nobody reads the bare result, and what is added to it. */
interface Summand {
  readonly layer: LinearLayer
  readonly rest: Value | undefined
}

export const foldAffine: NodeRule = {
  name: 'fold-affine',
  anchors: ['Add'],
  apply(node, context) {
    const mul = node.inputs[0] && only(node.inputs[0], 'Mul', context)
    const [sum, scale] = mul?.inputs ?? []
    const { layer, rest } = (sum && summandOf(sum, context)) ?? {}
    if (!layer?.bias) return undefined
    const [s, t, b] = [scale, node.inputs[1], layer.bias].map((row) =>
      rowOf(row, layer.outSize, context),
    )
    if (!s || !t || !b) return undefined
    const { origin } = layer.matmul
    const quantization = withoutOutput(layer.matmul.quantization)
    const name = layer.weightValue.name
    const weight = context.constant(scaledRows(layer.weight.tensor, s), name)
    const turned = context.op('Transpose', [weight], { perm: ints([1, 0]) }, { origin })
    const settings = quantization ? { origin, quantization } : { origin }
    const product = context.op('MatMul', [layer.x, turned], {}, settings)
    const bias = context.constant(scaledRows(b, s, t), layer.bias.name)
    const scaled = context.op('Add', [product, bias], {}, { origin })
    return [rest ? context.op('Add', [scaled, context.op('Mul', [rest, scale])]) : scaled]
  },
}

/** The note without the output's range, which the scale changes. */
function withoutOutput(note: NodeQuantization | undefined): NodeQuantization | undefined {
  if (note?.scheme !== 'static') return note
  const { output: _, ...rest } = note
  return rest
}

/** What makes the value, when it is this operator and nobody else reads it. */
function only(value: Value, op: string, context: RewriteContext): Node | undefined {
  const node = context.producer(value)
  return node?.op === op && node.domain === '' && context.uses(value) === 1 ? node : undefined
}

function summandOf(sum: Value, context: RewriteContext): Summand | undefined {
  const node = only(sum, 'Add', context)
  const whole = node && linearLayer(node, context)
  if (whole) return { layer: whole, rest: undefined }
  for (const [part, rest] of [node?.inputs ?? [], node?.inputs.toReversed() ?? []]) {
    const add = part && only(part, 'Add', context)
    const layer = add && linearLayer(add, context)
    if (layer) return { layer, rest }
  }
  return undefined
}

/** A weight of one float for each column. */
function rowOf(
  value: Value | undefined,
  size: number,
  context: RewriteContext,
): Tensor | undefined {
  const tensor = value && context.weight(value)?.tensor
  const fits = tensor?.dtype === 'float32' && tensor.shape.length === 1 && tensor.shape[0] === size
  return fits ? tensor : undefined
}
