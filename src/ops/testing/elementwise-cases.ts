/** Cases of elementwise operators, normalizations and losses. */
import { float, int, string } from '../../graph/index.ts'
import { float32Tensor, inlineTensor } from '../../graph/tensor.ts'
import type { KnownOp } from '../known.ts'
import {
  batchOnly,
  bools,
  data,
  floats,
  index,
  ints64,
  type OpCase,
  scalar,
  spread,
} from './op-case.ts'

const one = (input = floats([2, 3])): OpCase[] => [{ inputs: [input] }]
const positive = (): OpCase[] => one(floats([2, 3], 0.3, 3))
const away = (): OpCase[] => one(spread([2, 4]))
const pair = (low = -2, high = 2): OpCase[] => [
  { inputs: [floats([2, 3], low, high), floats([2, 3], low, high)] },
  { about: 'rows broadcast', inputs: [floats([2, 3], low, high), floats([3], low, high)] },
  { about: 'both broadcast', inputs: [floats([2, 1, 3], low, high), floats([4, 1], low, high)] },
  { about: 'a scalar', inputs: [floats([2, 3], low, high), floats([], low, high)] },
]
const integers = (...b: number[]): OpCase => ({
  about: 'integers',
  inputs: [ints64([7, -7, 5, 0, 9, -3], [2, 3]), ints64(b)],
})
const compared: OpCase[] = [
  { inputs: [data(float32Tensor([1, 2, 3, 4], [2, 2])), data(float32Tensor([2, 2], [2]))] },
  integers(5, -7, 3),
]
const logical: OpCase[] = [{ inputs: [bools([0, 0, 1, 1], [2, 2]), bools([0, 1])] }]
const special = data(
  float32Tensor([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0]),
)
const halves = data(float32Tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6]))

export const elementwiseCases = {
  Abs: [...away(), { about: 'integers', inputs: [ints64([3, -4, 0])] }],
  Neg: [...one(), { about: 'integers', inputs: [ints64([3, -4, 0])] }],
  Sign: [...away(), { about: 'integers', inputs: [ints64([3, -4, 0])] }],
  Floor: one(halves),
  Ceil: one(halves),
  Round: one(halves),
  Sqrt: positive(),
  Exp: one(),
  Log: positive(),
  Reciprocal: positive(),
  Erf: one(),
  Tanh: one(),
  Sigmoid: one(),
  Relu: away(),
  LeakyRelu: [
    ...away(),
    { about: 'steeper', inputs: [spread([5])], attributes: { alpha: float(0.3) } },
  ],
  Elu: [...away(), { about: 'scaled', inputs: [spread([5])], attributes: { alpha: float(0.7) } }],
  Softplus: one(),
  HardSigmoid: one(data(float32Tensor([-4, -1, 0.3, 1.2, 4]))),
  HardSwish: one(data(float32Tensor([-4, -1, 0.3, 1.2, 4]))),
  Swish: [...one(), { about: 'sharper', inputs: [floats([3])], attributes: { alpha: float(1.7) } }],
  Gelu: [
    ...one(),
    { about: 'tanh', inputs: [floats([2, 3])], attributes: { approximate: string('tanh') } },
  ],
  Mish: one(),
  Sin: one(),
  Cos: one(),
  Not: [{ inputs: [bools([0, 1, 1])] }],
  Identity: one(),
  IsNaN: one(special),
  IsInf: [
    { inputs: [special] },
    { about: 'only below', inputs: [special], attributes: { detect_positive: int(0) } },
  ],
  Clip: [
    { inputs: [spread([2, 4]), scalar(-0.7), scalar(0.7)] },
    { about: 'from below', inputs: [spread([2, 4]), scalar(-0.7)] },
    { about: 'from above', inputs: [spread([2, 4]), undefined, scalar(0.7)] },
  ],
  Cast: [
    { about: 'to double', inputs: [floats([3])], attributes: { to: int(11) } },
    {
      about: 'to int64',
      inputs: [data(float32Tensor([-1.7, 0, 2.9]))],
      attributes: { to: int(7) },
    },
    { about: 'to bool', inputs: [ints64([0, 3, -1])], attributes: { to: int(9) } },
    { about: 'to int32', inputs: [ints64([0, 3, -1])], attributes: { to: int(6) } },
    { about: 'to float', inputs: [ints64([0, 3, -1])], attributes: { to: int(1) } },
  ],
  CastLike: [
    { inputs: [floats([3]), data(inlineTensor('float64', [1], Float64Array.of(0)))], wrt: [0] },
    { about: 'to int64', inputs: [data(float32Tensor([-1.7, 2.9])), index(0)] },
  ],
  Add: [...pair(), integers(1, 2, 3)],
  Sub: [...pair(), integers(1, 2, 3)],
  Mul: [...pair(), integers(1, -2, 3)],
  Div: [...pair(0.5, 2), integers(2, -2, 3)],
  Pow: [
    { about: 'square', inputs: [floats([2, 3]), scalar(2)] },
    { about: 'cube', inputs: [floats([2, 3]), scalar(3)] },
    { about: 'both vary', inputs: [floats([2, 3], 0.5, 2), floats([3])] },
    { about: 'an integer exponent', inputs: [floats([2, 3], 0.5, 2), ints64([1, 2, 3])] },
  ],
  Mod: [
    integers(2, -3, 5),
    {
      about: 'floats',
      inputs: [data(float32Tensor([5.3, -5.3, 4.1])), data(float32Tensor([2, 2, -3]))],
      attributes: { fmod: int(1) },
    },
  ],
  Min: [{ inputs: [spread([2, 3]), floats([3], -0.05, 0.05)] }, integers(1, -8, 3)],
  Max: [
    { inputs: [spread([2, 3]), floats([3], -0.05, 0.05)] },
    { about: 'three', inputs: [spread([2, 3]), floats([3], -0.2, -0.1), floats([1], 0.1, 0.2)] },
    { about: 'ties', inputs: [data(float32Tensor([1, 2])), data(float32Tensor([0, 3]))] },
    integers(1, -8, 3),
  ],
  Sum: [{ inputs: [floats([2, 3]), floats([3]), floats([2, 1])] }],
  Equal: [...compared, { about: 'booleans', inputs: [bools([0, 1, 1]), bools([1])] }],
  Less: compared,
  Greater: compared,
  LessOrEqual: compared,
  GreaterOrEqual: compared,
  And: logical,
  Or: logical,
  Xor: logical,
  Where: [
    { inputs: [bools([0, 1, 1], [3]), floats([2, 3]), floats([2, 1])] },
    { about: 'a scalar', inputs: [bools([0, 1, 1, 0], [2, 1, 2]), floats([3, 2]), scalar(-9)] },
    { about: 'integers', inputs: [bools([0, 1, 1]), ints64([1, 2, 3]), ints64([7, 8, 9])] },
  ],
  PRelu: [{ inputs: [spread([2, 3]), floats([3], 0.1, 0.9)] }],
  Softmax: [
    { inputs: [floats([2, 3, 4])] },
    { about: 'in the middle', inputs: [floats([2, 3, 4])], attributes: { axis: int(1) } },
  ],
  LogSoftmax: [
    { inputs: [floats([2, 3, 4])] },
    { about: 'first axis', inputs: [floats([3, 2])], attributes: { axis: int(0) } },
  ],
  LayerNormalization: [
    { inputs: [floats([2, 3, 5]), floats([5]), floats([5])], attributes: { epsilon: float(1e-5) } },
    { about: 'no bias', inputs: [floats([2, 5]), floats([5])] },
    { about: 'with statistics', inputs: [floats([2, 5]), floats([5]), floats([5])], outputs: 3 },
    {
      about: 'two axes',
      inputs: [floats([2, 3, 4]), floats([3, 4]), floats([3, 4])],
      attributes: { axis: int(1) },
    },
  ],
  RMSNormalization: [
    { inputs: [floats([2, 3, 5]), floats([5])], attributes: { epsilon: float(1e-5) } },
  ],
  BatchNormalization: [
    {
      about: 'inference',
      inputs: [floats([2, 3, 4]), floats([3]), floats([3]), floats([3]), floats([3], 0.5, 2)],
    },
    {
      about: 'training',
      inputs: [floats([3, 2, 4]), floats([2]), floats([2]), floats([2]), floats([2], 0.5, 2)],
      attributes: { training_mode: int(1) },
      outputs: 3,
      wrt: [0, 1, 2],
    },
  ],
  GroupNormalization: [
    { inputs: [floats([2, 4, 3]), floats([4]), floats([4])], attributes: { num_groups: int(2) } },
  ],
  InstanceNormalization: batchOnly([{ inputs: [floats([2, 3, 4]), floats([3]), floats([3])] }]),
  Dropout: [{ about: 'inference', inputs: [floats([2, 3])] }],
  SoftmaxCrossEntropyLoss: [
    { inputs: [floats([4, 3]), ints64([0, 2, 1, 2])], outputs: 2 },
    {
      about: 'ignored labels',
      inputs: [floats([4, 3]), ints64([0, -100, 1, 2])],
      attributes: { ignore_index: int(-100) },
    },
    {
      about: 'a sum, weighted',
      inputs: [floats([4, 3]), ints64([0, 2, 1, 2]), floats([3], 0.5, 2)],
      wrt: [0],
      attributes: { reduction: string('sum') },
    },
    {
      about: 'weighted mean',
      inputs: [floats([4, 3]), ints64([0, 2, 1, 2]), floats([3], 0.5, 2)],
      wrt: [0],
    },
    {
      about: 'not reduced, per position',
      inputs: [floats([2, 3, 4]), ints64([0, 2, 1, 2, 0, 1, 1, 0], [2, 4])],
      attributes: { reduction: string('none') },
    },
  ],
  NegativeLogLikelihoodLoss: [
    { inputs: [floats([4, 3]), ints64([0, 2, 1, 2])] },
    {
      about: 'ignored labels',
      inputs: [floats([4, 3]), ints64([0, -1, 1, 2])],
      attributes: { ignore_index: int(-1) },
    },
  ],
  'com.microsoft::SkipLayerNormalization': [
    { inputs: [floats([2, 3, 4]), floats([2, 3, 4]), floats([4]), floats([4])] },
  ],
  'com.microsoft::SkipSimplifiedLayerNormalization': [
    { inputs: [floats([2, 3, 4]), floats([2, 3, 4]), floats([4])] },
  ],
  'com.microsoft::Gelu': one(),
  'com.microsoft::BiasGelu': [{ inputs: [floats([2, 3]), floats([3])] }],
  'com.microsoft::FastGelu': [{ inputs: [floats([2, 3]), floats([3])] }, ...one()],
  'com.microsoft::QuickGelu': one(),
} satisfies Partial<Record<KnownOp, readonly OpCase[]>>
