/**
 * The parts that encoder families share, at the level of the mathematics (plain ONNX operators).
 *
 * Shapes: B batch, S tokens, D hidden, H heads. Masks are boolean and attention is decomposed: autodiff,
 * pruning and foreign graphs meet here; kernels are chosen by the lowerings.
 */
import { LimbeckError, showValue } from '../errors.ts'
import { float, int, ints, string } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar, int64Tensor } from '../graph/tensor.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Value that takes a masked score's place: the lowest float32, as Hugging Face fills. */
export const MASKED_SCORE = -3.4028234663852886e38

/** Linear layer at `path`: x `[…, in]` → `[…, out]`; the weight is stored `[out, in]`. */
export function linear(
  b: ModelBuilder,
  path: string,
  x: Value,
  [inSize, outSize]: readonly [number, number],
  options: { weightPath?: string; biasPath?: string; tie?: string } = {},
): Value {
  return b.scope(path, () => {
    const at = b.origin
    const weight = b.weight(options.weightPath ?? `${at}.weight`, [outSize, inSize], options.tie)
    const bias = b.weight(options.biasPath ?? `${at}.bias`, [outSize])
    const product = b.op('MatMul', [x, b.transposed(weight)])
    return b.op('Add', [product, bias])
  })
}

/** LayerNormalization over the last axis (Ba et al. 2016). */
export function layerNorm(
  b: ModelBuilder,
  path: string,
  x: Value,
  size: number,
  epsilon: number,
): Value {
  return b.scope(path, () => {
    const at = b.origin
    const scale = b.weight(`${at}.weight`, [size])
    const shift = b.weight(`${at}.bias`, [size])
    return b.op('LayerNormalization', [x, scale, shift], { axis: int(-1), epsilon: float(epsilon) })
  })
}

type Activation = (b: ModelBuilder, x: Value) => Value
const geluTanh: Activation = (b, x) => b.op('Gelu', [x], { approximate: string('tanh') })
const silu: Activation = (b, x) => b.op('Mul', [x, b.op('Sigmoid', [x])])

/** Activations by their name in `config.json`. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: (b, x) => b.op('Gelu', [x]),
  gelu_python: (b, x) => b.op('Gelu', [x]),
  gelu_new: geluTanh,
  gelu_fast: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (b, x) => b.op('Relu', [x]),
  silu,
  swish: silu,
  tanh: (b, x) => b.op('Tanh', [x]),
}

/** Applies the activation that `config.json` names. */
export function activate(b: ModelBuilder, name: string, x: Value): Value {
  const activation = Object.hasOwn(activations, name) ? activations[name] : undefined
  if (!activation) {
    throw new LimbeckError(
      'input',
      `config.json: activation ${showValue(name)} is not known; known are ${Object.keys(activations).join(', ')}.`,
    )
  }
  return activation(b, x)
}

/** Boolean mask of the keys, `[B, 1, 1, S]`, from the 0/1 attention mask `[B, S]`. */
export function keyMask(b: ModelBuilder, attentionMask: Value): Value {
  const mask = b.op('Cast', [attentionMask], { to: int(9) })
  return b.op('Unsqueeze', [mask, b.int64s([1, 2], 'axes')])
}

export interface AttentionSizes {
  readonly hidden: number
  readonly heads: number
}

/** Paths of the projections inside one attention module, relative to it. */
export interface AttentionNames {
  readonly query: string
  readonly key: string
  readonly value: string
}

/**
 * Multi-head self-attention (Vaswani et al. 2017), `softmax(QKᵀ/√d + mask)·V`: x `[B,S,D]` → `[B,S,D]`
 * before the output projection. Taps: `<path>.scores` (before the mask), `.query`, `.key`, `.value`.
 */
export function selfAttention(
  b: ModelBuilder,
  names: AttentionNames,
  x: Value,
  mask: Value,
  { hidden, heads }: AttentionSizes,
): Value {
  const headSize = hidden / heads
  const split = (name: string): Value => {
    const projected = linear(b, name, x, [hidden, hidden])
    const shape = b.int64s([0, 0, heads, headSize])
    const parts = b.op('Reshape', [projected, shape])
    return b.op('Transpose', [parts], { perm: ints([0, 2, 1, 3]) })
  }
  const query = split(names.query)
  const key = split(names.key)
  const value = split(names.value)
  const keyT = b.op('Transpose', [key], { perm: ints([0, 1, 3, 2]) })
  const scale = b.constant(floatScalar(1 / Math.sqrt(headSize)), 'scale')
  const scores = b.op('Mul', [b.op('MatMul', [query, keyT]), scale])
  const masked = b.op('Where', [mask, scores, b.constant(floatScalar(MASKED_SCORE), 'masked')])
  const weights = b.op('Softmax', [masked], { axis: int(-1) })
  const context = b.op('Transpose', [b.op('MatMul', [weights, value])], {
    perm: ints([0, 2, 1, 3]),
  })
  for (const [tap, node] of Object.entries({ scores, query, key, value })) {
    b.tap(`${b.origin}.${tap}`, node)
  }
  return b.op('Reshape', [context, b.int64s([0, 0, hidden])])
}

/** Paths of a post-norm layer's modules, relative to the layer; those of `projections` to `attention`. */
export interface LayerNames {
  readonly attention: string
  readonly projections: AttentionNames
  readonly attentionOutput: string
  readonly attentionNorm: string
  readonly feedForwardIn: string
  readonly feedForwardOut: string
  readonly feedForwardNorm: string
}

/** What a post-norm layer needs to know of its model. */
export interface LayerSizes extends AttentionSizes {
  readonly intermediate: number
  readonly activation: string
  readonly normEpsilon: number
}

/** Post-norm encoder layer: `x = LN(x + Attention(x))`, `x = LN(x + FFN(x))`. */
export function postNormLayer(
  b: ModelBuilder,
  names: LayerNames,
  x: Value,
  mask: Value,
  d: LayerSizes,
): Value {
  const context = b.scope(names.attention, () => selfAttention(b, names.projections, x, mask, d))
  const projected = linear(b, names.attentionOutput, context, [d.hidden, d.hidden])
  const attended = addNorm(b, names.attentionNorm, projected, x, d.hidden, d.normEpsilon)
  const inner = linear(b, names.feedForwardIn, attended, [d.hidden, d.intermediate])
  const active = b.scope(names.feedForwardIn, () => activate(b, d.activation, inner))
  const outer = linear(b, names.feedForwardOut, active, [d.intermediate, d.hidden])
  return addNorm(b, names.feedForwardNorm, outer, attended, d.hidden, d.normEpsilon)
}

/** `LN(x + residual)`, the norm at `path`. */
export function addNorm(
  b: ModelBuilder,
  path: string,
  x: Value,
  residual: Value,
  size: number,
  epsilon: number,
): Value {
  const sum = b.scope(path, () => b.op('Add', [x, residual]))
  return layerNorm(b, path, sum, size, epsilon)
}

/** The first `count` rows of a table, count being the length of `ids` along axis 1: `[S, D]`. */
export function firstRows(b: ModelBuilder, table: Value, ids: Value): Value {
  const length = b.op('Shape', [ids], { start: int(1), end: int(2) })
  return b.op('Slice', [table, b.int64s([0], 'start'), length, b.int64s([0], 'axis')])
}

/** `cumsum(id ≠ pad) · (id ≠ pad) + pad`: padding keeps the padding's row, wherever it stands. */
export function positionsAfterPadding(b: ModelBuilder, ids: Value, pad: number): Value {
  const padding = b.constant(int64Tensor([pad], []), 'padding')
  const isToken = b.op('Cast', [b.op('Not', [b.op('Equal', [ids, padding])])], { to: int(7) })
  const count = b.op('CumSum', [isToken, b.constant(int64Tensor([1], []), 'axis')])
  return b.op('Add', [b.op('Mul', [count, isToken]), padding])
}

/** One position of every sequence: `[B, S, D]` → `[B, D]`. */
export function tokenAt(b: ModelBuilder, x: Value, position: number): Value {
  return b.op('Gather', [x, b.constant(int64Tensor([position], []), 'position')], { axis: int(1) })
}
