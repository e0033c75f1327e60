/**
 * Linear layers in any exporter's spelling → the canonical `MatMul(x, Transpose(W)) + b`, W `[out, in]`.
 *
 * A product with a stored `[in, out]` matrix, or Gemm; Gemm on `[tokens, width]` between two Reshapes loses
 * them. The matrix becomes a parameter: named as its initializer, or after its module.
 */
import { floatOf, intOf, ints } from '../../graph/attributes.ts'
import type { Node, Value, Weight } from '../../graph/graph.ts'
import { scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims, equalShapes, productDims } from '../../graph/shape.ts'
import { int64Tensor, transposed } from '../../graph/tensor.ts'
import { linearLayer } from '../linear-layer.ts'

/** `MatMul(x, W)` with W stored `[in, out]` → `MatMul(x, Transpose(W'))`. */
export const matMulAsLinear: NodeRule = {
  name: 'raise-linear',
  anchors: ['MatMul'],
  apply(node, context) {
    const [x, right] = node.inputs
    const weight = right && context.weight(right)
    if (!x || !right || !isMatrix(weight) || context.weight(x)) return undefined
    return [product(context, x, { value: right, weight, isTurned: true }, node)]
  },
}

/** `Gemm(x, W, b)` with α = β = 1 → `MatMul(x, Transpose(W')) + b`. */
export const gemmAsLinear: NodeRule = {
  name: 'raise-gemm',
  anchors: ['Gemm'],
  apply(node, context) {
    const [x, right, bias] = node.inputs
    const weight = right && context.weight(right)
    if (!x || !right || !isMatrix(weight) || context.weight(x)) return undefined
    const plain = floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1
    if (!plain || intOf(node, 'transA', 0) !== 0) return undefined
    const isTurned = intOf(node, 'transB', 0) === 0
    const y = product(context, x, { value: right, weight, isTurned }, node)
    return [bias ? context.op('Add', [y, asParameter(context, bias, node, 'bias')]) : y]
  },
}

const isMatrix = (weight: Weight | undefined): weight is Weight =>
  weight?.tensor.shape.length === 2 && weight.tensor.dtype.startsWith('float')

interface Right {
  readonly value: Value
  readonly weight: Weight
  /** Stored `[in, out]`. */
  readonly isTurned: boolean
}

function product(context: RewriteContext, x: Value, right: Right, node: Node): Value {
  const { value, weight, isTurned } = right
  const tensor = isTurned ? transposed(weight.tensor, [1, 0]) : weight.tensor
  const parameter = weight.parameter ?? { name: parameterName(value, node, 'weight') }
  // turned back to what it was, it is that tensor; else it is a new one for each product
  const isNew = tensor !== weight.tensor && tensor.source.kind === 'derived'
  const stored = storedOnce(context, isNew ? value : tensor, () =>
    context.addWeight({ ...weight, tensor, parameter }, value.name),
  )
  const turned = context.op('Transpose', [stored], { perm: ints([1, 0]) })
  return context.op('MatMul', [x, turned])
}

/** Names that exporters make up say nothing; the module's path does. */
const isMadeUp = (name: string): boolean => /^(onnx::|_?val_|\d|\/|%|t$|v_)/.test(name)

const parameterName = (value: Value, node: Node, kind: string): string =>
  isMadeUp(value.name) && node.origin !== '' ? `${node.origin}.${kind}` : value.name

function asParameter(context: RewriteContext, value: Value, node: Node, kind: string): Value {
  const weight = context.weight(value)
  if (!weight || weight.parameter) return value
  const parameter = { name: parameterName(value, node, kind) }
  return storedOnce(context, weight.tensor, () =>
    context.addWeight({ ...weight, parameter }, value.name),
  )
}

/** Parameters by the tensor they hold: layers that share one, and a table tied to a product, go on sharing it. */
const stores = new WeakMap<object, Value>()

function storedOnce(context: RewriteContext, key: object, make: () => Value): Value {
  const known = stores.get(key)
  if (known && context.weight(known)) return known
  const made = make()
  stores.set(key, made)
  return made
}

/** `Reshape(f(Reshape(x, [-1, in])), […, out])` → `f(x)` for a linear layer f. */
export const unflattenLinear: NodeRule = {
  name: 'unflatten-linear',
  anchors: ['Reshape'],
  apply(node, context) {
    const add = node.inputs[0] && context.producer(node.inputs[0])
    const matmulOf = (value: Value | undefined) => {
      const found = value && context.producer(value)
      return found?.op === 'MatMul' && found.domain === '' ? found : undefined
    }
    const withBias = add?.op === 'Add' && add.domain === ''
    const matmul = withBias
      ? (matmulOf(add.inputs[0]) ?? matmulOf(add.inputs[1]))
      : matmulOf(node.inputs[0])
    const flat = matmul?.inputs[0] && context.producer(matmul.inputs[0])
    if (!matmul || !add || flat?.op !== 'Reshape' || flat.domain !== '') return undefined
    const [x] = flat.inputs
    const [from, to] = [x, node.outputs[0]].map((value) => value && context.typeOf(value)?.shape)
    const flatShape = context.typeOf(matmul.inputs[0]!)?.shape
    const right = context.typeOf(matmul.inputs[1]!)?.shape
    const leading = to?.slice(0, -1)
    if (!x || !from || !leading || leading.length < 2 || flatShape?.length !== 2) return undefined
    if (right?.length !== 2 || to?.at(-1) !== right[1]) return undefined
    if (typeof flatShape[1] !== 'number') return undefined
    if (!equalShapes(from.slice(0, leading.length), leading)) return undefined
    if (equalDims(productDims(from.slice(leading.length)), flatShape[1]!) !== true) return undefined
    const shared = [node.inputs[0]!, matmul.outputs[0]!].some((value) => context.uses(value) > 1)
    if (shared) return undefined
    const keep = int64Tensor([...leading.map(() => 0), flatShape[1]])
    const whole = from.length === leading.length + 1
    const input = whole ? x : context.op('Reshape', [x, context.constant(keep, 'shape')])
    const y = context.op('MatMul', [input, matmul.inputs[1]])
    if (!withBias) return [y]
    const bias = add.inputs.find((input) => input !== matmul.outputs[0])
    const row = bias && context.weight(bias)?.tensor.shape
    return row?.length === 1 ? [context.op('Add', [y, bias])] : undefined
  },
}

/** Embedding tables, and scale and shift of normalizations, are parameters too. */
export const nameParameters: NodeRule = {
  name: 'name-parameters',
  anchors: ['Gather', 'LayerNormalization', 'RMSNormalization'],
  apply(node, context) {
    if (node.outputs.length > 1) return undefined
    const kinds = node.op === 'Gather' ? ['weight'] : [undefined, 'weight', 'bias']
    const inputs = node.inputs.map((input, i) => {
      const kind = kinds[i]
      const weight = input && context.weight(input)
      const isTable = kind && weight?.tensor.dtype.startsWith('float') && !weight.parameter
      const isScalar = weight && scalarOf(weight.tensor) !== undefined
      return isTable && !isScalar ? asParameter(context, input!, node, kind) : input
    })
    if (inputs.every((input, i) => input === node.inputs[i])) return undefined
    return [context.op(node.op, inputs, node.attributes)]
  },
}

/** Biases are parameters, and stand behind their product. */
export const nameBiases: NodeRule = {
  name: 'name-biases',
  anchors: ['Add'],
  apply(node, context) {
    const layer = linearLayer(node, context)
    const weight = layer?.bias && context.weight(layer.bias)
    if (!layer?.bias || !weight) return undefined
    const product = layer.matmul.outputs[0]!
    if (weight.parameter && node.inputs[0] === product) return undefined
    return [context.op('Add', [product, asParameter(context, layer.bias, node, 'bias')])]
  },
}
