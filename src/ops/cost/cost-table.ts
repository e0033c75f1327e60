/**
 * The cost facet: what a node computes and moves, as a function of its shapes.
 *
 * `macs` are multiply-accumulates of products and convolutions; `flops` are 2·macs and one for each scalar
 * operation besides (an exponential or a square root counts as one). Views move nothing.
 */
import { intOf } from '../../graph/attributes.ts'
import { byteLength, type DataType, elementCount } from '../../graph/data-type.ts'
import type { Node } from '../../graph/graph.ts'
import type { KnownOp } from '../known.ts'

/** A tensor whose sizes are numbers. */
export interface SizedType {
  readonly dtype: DataType
  readonly shape: readonly number[]
}

export interface CostContext {
  readonly node: Node
  readonly inputs: readonly (SizedType | undefined)[]
  readonly outputs: readonly (SizedType | undefined)[]
}

/** What running a node once takes. */
export interface Cost {
  readonly macs: number
  readonly flops: number
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** Computation, and bytes where they are not those of all inputs and outputs; undefined when unknown. */
export type CostRow = (context: CostContext) => Partial<Cost> | undefined

export const bytesOfType = (type: SizedType | undefined): number =>
  type ? byteLength(type.dtype, elementCount(type.shape)) : 0
const sizeOf = (type: SizedType | undefined): number => (type ? elementCount(type.shape) : 0)

/** So many operations for each element of the result. */
const perOutput =
  (operations: number): CostRow =>
  ({ outputs }) => ({ macs: 0, flops: operations * sizeOf(outputs[0]) })
/** So many for each element that is read. */
const perInput =
  (operations: number): CostRow =>
  ({ inputs }) => ({ macs: 0, flops: operations * sizeOf(inputs[0]) })

const one = perOutput(1)
const moved = perOutput(0)
/** Another shape over the same bytes. */
const view: CostRow = () => ({ macs: 0, flops: 0, bytesRead: 0, bytesWritten: 0 })
/** Reads what it takes, not all there is to take from. */
const taken: CostRow = ({ inputs, outputs }) => ({
  macs: 0,
  flops: 0,
  bytesRead: bytesOfType(outputs[0]) + bytesOfType(inputs[1]),
})
/** A part of its operand, the settings aside. */
const part: CostRow = ({ outputs }) => ({
  macs: 0,
  flops: 0,
  bytesRead: outputs.reduce((sum, output) => sum + bytesOfType(output), 0),
})
const unknown: CostRow = () => undefined

const multiplied = (macs: number, others = 0): Partial<Cost> => ({ macs, flops: 2 * macs + others })

/** Elements of the result times the length of the sums. */
const product: CostRow = ({ inputs, outputs }) =>
  multiplied(sizeOf(outputs[0]) * (inputs[0]?.shape.at(-1) ?? 1))
const transposable: CostRow = ({ node, inputs, outputs }) => {
  const inner = intOf(node, 'transA', 0) === 1 ? -2 : -1
  return multiplied(
    sizeOf(outputs[0]) * (inputs[0]?.shape.at(inner) ?? 1),
    sizeOf(inputs[2]) && sizeOf(outputs[0]),
  )
}

/** Every letter of the equation is a loop. */
const einsum: CostRow = ({ node, inputs }) => {
  const { equation } = node.attributes
  if (equation?.type !== 'string' || equation.value.includes('.')) return undefined
  const sizes = new Map<string, number>()
  const [left = ''] = equation.value.replaceAll(' ', '').split('->')
  left.split(',').forEach((letters, i) => {
    for (const [axis, letter] of [...letters].entries()) {
      sizes.set(letter, inputs[i]?.shape[axis] ?? 1)
    }
  })
  return multiplied(
    [...sizes.values()].reduce((total, size) => total * size, 1) * Math.max(1, inputs.length - 1),
  )
}

/** Elements of the result times one kernel over one group's channels: W is [out, in/g, …]. */
const conv: CostRow = ({ inputs, outputs }) =>
  multiplied(
    sizeOf(outputs[0]) * elementCount(inputs[1]?.shape.slice(1) ?? []),
    sizeOf(inputs[2]) && sizeOf(outputs[0]),
  )
/** The same the other way round: W is [in, out/g, …]. */
const convTranspose: CostRow = ({ inputs }) =>
  multiplied(sizeOf(inputs[0]) * elementCount(inputs[1]?.shape.slice(1) ?? []))
const pool: CostRow = ({ node, outputs }) => {
  const { kernel_shape: kernel } = node.attributes
  const size = kernel?.type === 'ints' ? elementCount(kernel.value.map(Number)) : 1
  return { macs: 0, flops: size * sizeOf(outputs[0]) }
}

/** Q·Kᵀ and scores·V, and a softmax of the scores (5 operations each). */
const attention =
  (headsOf: (context: CostContext) => number): CostRow =>
  (context) => {
    const [q, k, v] = context.inputs
    if (!q || !k || !v || k.shape.length < 3) return undefined
    const heads = headsOf(context)
    const [batch] = q.shape as [number]
    const split = q.shape.length === 4
    const size = split ? q.shape[3]! : q.shape[2]! / heads
    const values = v.shape.length === 4 ? v.shape[3]! : v.shape[2]! / heads
    const [length, total] = [q.shape.at(-2)!, k.shape.at(-2)!]
    const count = split ? q.shape[1]! : heads
    const scores = batch * count * length * total
    return multiplied(scores * (size + values), 5 * scores)
  }

const wide: CostRow = ({ node, inputs }) => {
  const rows = sizeOf(inputs[0]) / intOf(node, 'K', 1)
  return multiplied(rows * intOf(node, 'K', 1) * intOf(node, 'N', 1))
}

const gelu = perOutput(8)
const norm = perOutput(8)

export const costTable: { readonly [O in KnownOp]: CostRow } = {
  Abs: one,
  Neg: one,
  Sign: one,
  Floor: one,
  Ceil: one,
  Round: one,
  Sqrt: one,
  Exp: one,
  Log: one,
  Reciprocal: one,
  Erf: one,
  Tanh: one,
  Sigmoid: perOutput(3),
  Relu: one,
  LeakyRelu: one,
  Elu: perOutput(3),
  Softplus: perOutput(3),
  HardSigmoid: perOutput(4),
  HardSwish: perOutput(5),
  Swish: perOutput(4),
  Gelu: gelu,
  Mish: perOutput(5),
  Sin: one,
  Cos: one,
  Not: one,
  Identity: view,
  IsNaN: one,
  IsInf: one,
  Clip: perOutput(2),
  Cast: moved,
  CastLike: ({ inputs }) => ({ macs: 0, flops: 0, bytesRead: bytesOfType(inputs[0]) }),
  Add: one,
  Sub: one,
  Mul: one,
  Div: one,
  Pow: one,
  Mod: one,
  Min: ({ inputs, outputs }) => ({ macs: 0, flops: (inputs.length - 1) * sizeOf(outputs[0]) }),
  Max: ({ inputs, outputs }) => ({ macs: 0, flops: (inputs.length - 1) * sizeOf(outputs[0]) }),
  Sum: ({ inputs, outputs }) => ({ macs: 0, flops: (inputs.length - 1) * sizeOf(outputs[0]) }),
  Equal: one,
  Less: one,
  Greater: one,
  LessOrEqual: one,
  GreaterOrEqual: one,
  And: one,
  Or: one,
  Xor: one,
  Where: moved,
  PRelu: one,
  Softmax: perOutput(5),
  LogSoftmax: perOutput(5),
  LayerNormalization: norm,
  RMSNormalization: perOutput(5),
  BatchNormalization: perOutput(2),
  GroupNormalization: norm,
  InstanceNormalization: norm,
  Dropout: one,
  MatMul: product,
  Gemm: transposable,
  Einsum: einsum,
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: perInput(1),
  GlobalMaxPool: perInput(1),
  Slice: part,
  Concat: moved,
  Split: part,
  Pad: moved,
  Transpose: moved,
  Reshape: view,
  Flatten: view,
  Squeeze: view,
  Unsqueeze: view,
  Expand: moved,
  Tile: moved,
  Trilu: moved,
  Resize: perOutput(4),
  DepthToSpace: moved,
  SpaceToDepth: moved,
  Gather: taken,
  GatherElements: taken,
  GatherND: taken,
  ScatterND: moved,
  ScatterElements: moved,
  OneHot: moved,
  NonZero: perInput(1),
  Unique: perInput(1),
  ArgMax: perInput(1),
  ArgMin: perInput(1),
  TopK: perInput(1),
  Shape: view,
  Size: view,
  Constant: view,
  ConstantOfShape: moved,
  Range: moved,
  EyeLike: moved,
  ReduceSum: perInput(1),
  ReduceMean: perInput(1),
  ReduceMax: perInput(1),
  ReduceMin: perInput(1),
  ReduceProd: perInput(1),
  ReduceL1: perInput(2),
  ReduceL2: perInput(2),
  ReduceLogSumExp: perInput(3),
  ReduceLogSum: perInput(1),
  ReduceSumSquare: perInput(2),
  CumSum: one,
  Attention: attention(({ node }) => intOf(node, 'q_num_heads', 1)),
  RotaryEmbedding: perOutput(3),
  DynamicQuantizeLinear: perInput(5),
  QuantizeLinear: perOutput(3),
  DequantizeLinear: perOutput(2),
  MatMulInteger: product,
  If: unknown,
  Loop: unknown,
  Scan: unknown,
  RandomUniform: one,
  RandomNormal: one,
  RandomUniformLike: one,
  RandomNormalLike: one,
  Bernoulli: one,
  Multinomial: one,
  SoftmaxCrossEntropyLoss: perInput(6),
  NegativeLogLikelihoodLoss: perInput(1),
  'com.microsoft::FusedMatMul': transposable,
  'com.microsoft::MatMulIntegerToFloat': product,
  'com.microsoft::DynamicQuantizeMatMul': product,
  'com.microsoft::MatMulNBits': wide,
  'com.microsoft::GatherBlockQuantized': perOutput(2),
  'com.microsoft::SkipLayerNormalization': perOutput(9),
  'com.microsoft::SkipSimplifiedLayerNormalization': perOutput(6),
  'com.microsoft::Gelu': gelu,
  'com.microsoft::BiasGelu': perOutput(9),
  'com.microsoft::FastGelu': perOutput(9),
  'com.microsoft::QuickGelu': perOutput(4),
  'com.microsoft::MultiHeadAttention': attention(({ node }) => intOf(node, 'num_heads', 1)),
}
