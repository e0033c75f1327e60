/**
 * The operators that the toolkit knows, with their arity: every facet's table has one row for each.
 *
 * ai.onnx as of the canonical opset (schemas of onnx 1.23 at opset 24), then the com.microsoft kernels that lowered
 * graphs use (ContribOperators.md of ONNX Runtime 1.30). Any other operator passes through untouched.
 */
import type { Node } from '../graph/graph.ts'
import { opKey } from '../graph/rewrite.ts'

/** Any number of inputs or outputs. */
export const MANY = Number.POSITIVE_INFINITY

/** Inputs at least and at most, outputs at least and at most. */
export type Arity = readonly [number, number, number, number]

const arities = {
  // elementwise, one operand
  Abs: [1, 1, 1, 1],
  Neg: [1, 1, 1, 1],
  Sign: [1, 1, 1, 1],
  Floor: [1, 1, 1, 1],
  Ceil: [1, 1, 1, 1],
  Round: [1, 1, 1, 1],
  Sqrt: [1, 1, 1, 1],
  Exp: [1, 1, 1, 1],
  Log: [1, 1, 1, 1],
  Reciprocal: [1, 1, 1, 1],
  Erf: [1, 1, 1, 1],
  Tanh: [1, 1, 1, 1],
  Sigmoid: [1, 1, 1, 1],
  Relu: [1, 1, 1, 1],
  LeakyRelu: [1, 1, 1, 1],
  Elu: [1, 1, 1, 1],
  Softplus: [1, 1, 1, 1],
  HardSigmoid: [1, 1, 1, 1],
  HardSwish: [1, 1, 1, 1],
  Swish: [1, 1, 1, 1],
  Gelu: [1, 1, 1, 1],
  Mish: [1, 1, 1, 1],
  Sin: [1, 1, 1, 1],
  Cos: [1, 1, 1, 1],
  Not: [1, 1, 1, 1],
  Identity: [1, 1, 1, 1],
  IsNaN: [1, 1, 1, 1],
  IsInf: [1, 1, 1, 1],
  Clip: [1, 3, 1, 1],
  Cast: [1, 1, 1, 1],
  CastLike: [2, 2, 1, 1],
  // elementwise, broadcasting
  Add: [2, 2, 1, 1],
  Sub: [2, 2, 1, 1],
  Mul: [2, 2, 1, 1],
  Div: [2, 2, 1, 1],
  Pow: [2, 2, 1, 1],
  Mod: [2, 2, 1, 1],
  Min: [1, MANY, 1, 1],
  Max: [1, MANY, 1, 1],
  Sum: [1, MANY, 1, 1],
  Equal: [2, 2, 1, 1],
  Less: [2, 2, 1, 1],
  Greater: [2, 2, 1, 1],
  LessOrEqual: [2, 2, 1, 1],
  GreaterOrEqual: [2, 2, 1, 1],
  And: [2, 2, 1, 1],
  Or: [2, 2, 1, 1],
  Xor: [2, 2, 1, 1],
  Where: [3, 3, 1, 1],
  PRelu: [2, 2, 1, 1],
  // normalization
  Softmax: [1, 1, 1, 1],
  LogSoftmax: [1, 1, 1, 1],
  LayerNormalization: [2, 3, 1, 3],
  RMSNormalization: [2, 2, 1, 1],
  BatchNormalization: [5, 5, 1, 3],
  GroupNormalization: [3, 3, 1, 1],
  InstanceNormalization: [3, 3, 1, 1],
  Dropout: [1, 3, 1, 2],
  // linear algebra and convolution
  MatMul: [2, 2, 1, 1],
  Gemm: [2, 3, 1, 1],
  Einsum: [1, MANY, 1, 1],
  Conv: [2, 3, 1, 1],
  ConvTranspose: [2, 3, 1, 1],
  MaxPool: [1, 1, 1, 2],
  AveragePool: [1, 1, 1, 1],
  GlobalAveragePool: [1, 1, 1, 1],
  GlobalMaxPool: [1, 1, 1, 1],
  // movement
  Slice: [3, 5, 1, 1],
  Concat: [1, MANY, 1, 1],
  Split: [1, 2, 1, MANY],
  Pad: [2, 4, 1, 1],
  Transpose: [1, 1, 1, 1],
  Reshape: [2, 2, 1, 1],
  Flatten: [1, 1, 1, 1],
  Squeeze: [1, 2, 1, 1],
  Unsqueeze: [2, 2, 1, 1],
  Expand: [2, 2, 1, 1],
  Tile: [2, 2, 1, 1],
  Trilu: [1, 2, 1, 1],
  Resize: [1, 4, 1, 1],
  DepthToSpace: [1, 1, 1, 1],
  SpaceToDepth: [1, 1, 1, 1],
  // indexing
  Gather: [2, 2, 1, 1],
  GatherElements: [2, 2, 1, 1],
  GatherND: [2, 2, 1, 1],
  ScatterND: [3, 3, 1, 1],
  ScatterElements: [3, 3, 1, 1],
  OneHot: [3, 3, 1, 1],
  NonZero: [1, 1, 1, 1],
  Unique: [1, 1, 1, 4],
  ArgMax: [1, 1, 1, 1],
  ArgMin: [1, 1, 1, 1],
  TopK: [2, 2, 2, 2],
  // shapes and constants
  Shape: [1, 1, 1, 1],
  Size: [1, 1, 1, 1],
  Constant: [0, 0, 1, 1],
  ConstantOfShape: [1, 1, 1, 1],
  Range: [3, 3, 1, 1],
  EyeLike: [1, 1, 1, 1],
  // reduction
  ReduceSum: [1, 2, 1, 1],
  ReduceMean: [1, 2, 1, 1],
  ReduceMax: [1, 2, 1, 1],
  ReduceMin: [1, 2, 1, 1],
  ReduceProd: [1, 2, 1, 1],
  ReduceL1: [1, 2, 1, 1],
  ReduceL2: [1, 2, 1, 1],
  ReduceLogSumExp: [1, 2, 1, 1],
  ReduceLogSum: [1, 2, 1, 1],
  ReduceSumSquare: [1, 2, 1, 1],
  CumSum: [2, 2, 1, 1],
  // attention and quantization
  Attention: [3, 7, 1, 4],
  RotaryEmbedding: [3, 4, 1, 1],
  DynamicQuantizeLinear: [1, 1, 3, 3],
  QuantizeLinear: [2, 3, 1, 1],
  DequantizeLinear: [2, 3, 1, 1],
  MatMulInteger: [2, 4, 1, 1],
  // control
  If: [1, 1, 1, MANY],
  Loop: [2, MANY, 1, MANY],
  Scan: [1, MANY, 1, MANY],
  // random
  RandomUniform: [0, 0, 1, 1],
  RandomNormal: [0, 0, 1, 1],
  RandomUniformLike: [1, 1, 1, 1],
  RandomNormalLike: [1, 1, 1, 1],
  Bernoulli: [1, 1, 1, 1],
  Multinomial: [1, 1, 1, 1],
  // losses
  SoftmaxCrossEntropyLoss: [2, 3, 1, 2],
  NegativeLogLikelihoodLoss: [2, 3, 1, 1],
  // com.microsoft
  'com.microsoft::FusedMatMul': [2, 2, 1, 1],
  'com.microsoft::MatMulIntegerToFloat': [4, 7, 1, 1],
  'com.microsoft::DynamicQuantizeMatMul': [3, 5, 1, 1],
  'com.microsoft::MatMulNBits': [3, 6, 1, 1],
  'com.microsoft::GatherBlockQuantized': [3, 4, 1, 1],
  'com.microsoft::SkipLayerNormalization': [3, 5, 1, 4],
  'com.microsoft::SkipSimplifiedLayerNormalization': [3, 4, 1, 4],
  'com.microsoft::Gelu': [1, 1, 1, 1],
  'com.microsoft::BiasGelu': [2, 2, 1, 1],
  'com.microsoft::FastGelu': [1, 2, 1, 1],
  'com.microsoft::QuickGelu': [1, 1, 1, 1],
  'com.microsoft::MultiHeadAttention': [1, 10, 1, 4],
} as const satisfies Readonly<Record<string, Arity>>

/** Key of a known operator: `op`, or `domain::op` outside ai.onnx. */
export type KnownOp = keyof typeof arities

export const knownOps = Object.keys(arities) as readonly KnownOp[]

/** The key of a node's operator where we know it. */
export function knownOp(node: Pick<Node, 'op' | 'domain'>): KnownOp | undefined {
  const key = opKey(node.domain === 'ai.onnx' ? { op: node.op, domain: '' } : node)
  return Object.hasOwn(arities, key) ? (key as KnownOp) : undefined
}

/** How many inputs and outputs an operator takes. */
export const arityOf = (op: KnownOp): Arity => arities[op]

/** Operators whose result differs from run to run: never merged, folded or duplicated. */
const random: ReadonlySet<string> = new Set<KnownOp>([
  'RandomUniform',
  'RandomNormal',
  'RandomUniformLike',
  'RandomNormalLike',
  'Bernoulli',
  'Multinomial',
  'Dropout',
])

/** True for operators that must not be merged, folded or duplicated (Dropout too: it may be training). */
export const isRandom = (node: Pick<Node, 'op' | 'domain'>): boolean => random.has(opKey(node))
