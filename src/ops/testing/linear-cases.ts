/** Cases of matrix products, convolutions, attention, quantization and control flow. */
import {
  float,
  GraphBuilder,
  graphAttribute,
  inlineTensor,
  int,
  int64Tensor,
  ints,
  string,
} from '../../graph/index.ts'
import type { KnownOp } from '../known.ts'
import {
  batchOnly,
  bools,
  data,
  fixed,
  floats,
  index,
  ints64,
  type OpCase,
  scalar,
  spread,
} from './op-case.ts'

const uint8 = (shape: number[]) =>
  data(
    inlineTensor(
      'uint8',
      shape,
      Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37) % 200),
    ),
  )
const int8 = (shape: number[]) =>
  fixed(
    inlineTensor(
      'int8',
      shape,
      Int8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 29) % 120) - 60),
    ),
  )
const zero8 = fixed(inlineTensor('uint8', [], Uint8Array.of(100)))

function branch(op: string) {
  const b = new GraphBuilder(op)
  b.output('y', b.op(op, [b.constant(int64Tensor([1, -2]))]))
  return graphAttribute(b.build())
}
/** state ← state + turn; each turn's state is a scan output. */
function counting() {
  const b = new GraphBuilder('body')
  const turn = b.input('i', 'int64', [])
  const go = b.input('go', 'bool', [])
  const next = b.op('Add', [b.input('state', 'int64', [2]), turn])
  b.output('go_on', b.op('Identity', [go]))
  b.output('next', next)
  b.output('seen', b.op('Identity', [next]))
  return graphAttribute(b.build())
}
function summing() {
  const b = new GraphBuilder('body')
  const next = b.op('Add', [b.input('state', 'float32', [3]), b.input('row', 'float32', [3])])
  b.output('next', next)
  b.output('seen', b.op('Identity', [next]))
  return graphAttribute(b.build())
}

export const linearCases = {
  MatMul: [
    { inputs: [floats([2, 3]), floats([3, 4])] },
    { about: 'a weight', inputs: [floats([2, 3, 4]), floats([4, 5])] },
    { about: 'batched', inputs: [floats([2, 3, 4]), floats([2, 4, 2])] },
    { about: 'batches broadcast', inputs: [floats([2, 1, 3, 4]), floats([3, 4, 2])] },
    { about: 'a vector right', inputs: [floats([2, 3]), floats([3])] },
    { about: 'a vector left', inputs: [floats([3]), floats([2, 3, 2])] },
    { about: 'two vectors', inputs: [floats([3]), floats([3])] },
  ],
  Gemm: [
    {
      inputs: [floats([2, 3]), floats([3, 4]), floats([4])],
      attributes: { alpha: float(0.7), beta: float(1.3) },
    },
    {
      about: 'B transposed',
      inputs: [floats([2, 3]), floats([4, 3]), floats([2, 4])],
      attributes: { transB: int(1) },
    },
    {
      about: 'A transposed',
      inputs: [floats([3, 2]), floats([3, 4])],
      attributes: { transA: int(1) },
    },
    {
      about: 'both transposed',
      inputs: [floats([3, 2]), floats([4, 3]), floats([2, 1])],
      attributes: { transA: int(1), transB: int(1), alpha: float(0.5) },
    },
  ],
  Einsum: [
    {
      inputs: [floats([2, 3, 4]), floats([2, 4, 5])],
      attributes: { equation: string('bij,bjk->bik') },
    },
    {
      about: 'a sum and an outer product',
      inputs: [floats([2, 3]), floats([4])],
      attributes: { equation: string('ij,k->jk') },
    },
  ],
  Conv: batchOnly([
    {
      inputs: [floats([2, 3, 5, 6]), floats([4, 3, 3, 2]), floats([4])],
      attributes: { pads: ints([1, 0, 1, 1]) },
    },
    {
      about: 'strides',
      inputs: [floats([1, 2, 7, 8]), floats([3, 2, 3, 3])],
      attributes: { strides: ints([2, 3]), pads: ints([1, 1, 1, 1]) },
    },
    {
      about: 'depthwise',
      inputs: [floats([2, 3, 5, 5]), floats([3, 1, 3, 3]), floats([3])],
      attributes: { group: int(3), pads: ints([1, 1, 1, 1]) },
    },
    {
      about: 'groups, dilated',
      inputs: [floats([2, 4, 6]), floats([6, 2, 2])],
      attributes: { group: int(2), dilations: ints([2]) },
    },
    {
      about: 'patches',
      inputs: [floats([2, 3, 8, 8]), floats([5, 3, 4, 4]), floats([5])],
      attributes: { strides: ints([4, 4]) },
    },
  ]),
  ConvTranspose: batchOnly([
    {
      inputs: [floats([2, 3, 4]), floats([3, 2, 3]), floats([2])],
      attributes: { strides: ints([2]), pads: ints([1, 1]), output_padding: ints([1]) },
    },
    { about: 'flat', inputs: [floats([1, 2, 3, 3]), floats([2, 3, 2, 2])] },
  ]),
  MaxPool: [
    {
      inputs: [spread([1, 2, 4, 6])],
      attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    },
    {
      about: 'overlapping',
      inputs: [spread([1, 2, 5])],
      attributes: { kernel_shape: ints([3]), pads: ints([1, 1]) },
    },
    {
      about: 'rounded up',
      inputs: [spread([1, 1, 7])],
      attributes: { kernel_shape: ints([2]), strides: ints([3]), ceil_mode: int(1) },
    },
  ],
  AveragePool: batchOnly([
    {
      inputs: [floats([1, 2, 4, 6])],
      attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    },
    {
      about: 'overlapping, padded',
      inputs: [floats([1, 2, 5])],
      attributes: { kernel_shape: ints([3]), pads: ints([1, 1]), count_include_pad: int(1) },
    },
    {
      about: 'padding not counted',
      inputs: [floats([1, 2, 5])],
      attributes: { kernel_shape: ints([3]), pads: ints([1, 1]) },
    },
  ]),
  GlobalAveragePool: [{ inputs: [floats([2, 3, 2, 2])] }],
  GlobalMaxPool: [{ inputs: [spread([2, 3, 2, 2])] }],
  Attention: [
    { inputs: [floats([2, 2, 3, 4]), floats([2, 2, 5, 4]), floats([2, 2, 5, 6])] },
    {
      about: 'token-major',
      inputs: [floats([2, 3, 8]), floats([2, 3, 8]), floats([2, 3, 8])],
      attributes: { q_num_heads: int(2), kv_num_heads: int(2) },
    },
  ],
  RotaryEmbedding: [
    {
      inputs: [floats([1, 2, 3, 4]), floats([3, 2]), floats([3, 2]), ints64([0, 1, 2], [1, 3])],
      wrt: [0],
    },
  ],
  DynamicQuantizeLinear: [{ inputs: [floats([2, 3])], outputs: 3 }],
  QuantizeLinear: [{ inputs: [floats([2, 3]), scalar(0.02), zero8] }],
  DequantizeLinear: [{ inputs: [uint8([2, 3]), scalar(0.02), zero8] }],
  MatMulInteger: [{ inputs: [uint8([2, 3]), int8([3, 4]), zero8] }],
  If: [
    {
      inputs: [bools([1], [])],
      attributes: { then_branch: branch('Neg'), else_branch: branch('Abs') },
    },
  ],
  Loop: [
    {
      inputs: [index(3), fixed(inlineTensor('bool', [], Uint8Array.of(1))), ints64([5, 6])],
      attributes: { body: counting() },
      outputs: 2,
    },
  ],
  Scan: [
    {
      inputs: [floats([3]), floats([4, 3])],
      attributes: { body: summing(), num_scan_inputs: int(1) },
      outputs: 2,
    },
  ],
  'com.microsoft::FusedMatMul': [
    {
      inputs: [floats([2, 3, 4]), floats([2, 5, 4])],
      attributes: { transB: int(1), alpha: float(0.5) },
    },
    {
      about: 'left transposed',
      inputs: [floats([4, 2]), floats([4, 3])],
      attributes: { transA: int(1) },
    },
  ],
  'com.microsoft::MatMulIntegerToFloat': [
    { inputs: [uint8([2, 3]), int8([3, 4]), scalar(0.01), scalar(0.02), zero8] },
  ],
  'com.microsoft::DynamicQuantizeMatMul': [
    { inputs: [floats([2, 3]), int8([3, 4]), scalar(0.02)] },
  ],
  'com.microsoft::MatMulNBits': [
    {
      inputs: [
        floats([2, 32]),
        fixed(
          inlineTensor(
            'uint8',
            [3, 1, 16],
            Uint8Array.from({ length: 48 }, (_, i) => (i * 23) % 256),
          ),
        ),
        fixed(inlineTensor('float32', [3], Float32Array.of(0.1, 0.2, 0.3))),
      ],
      attributes: { K: int(32), N: int(3), bits: int(4), block_size: int(32) },
    },
  ],
  'com.microsoft::GatherBlockQuantized': [
    {
      inputs: [
        fixed(
          inlineTensor(
            'uint8',
            [3, 16],
            Uint8Array.from({ length: 48 }, (_, i) => (i * 23) % 256),
          ),
        ),
        ints64([2, 0, 1, 1], [2, 2]),
        fixed(inlineTensor('float32', [3, 1], Float32Array.of(0.1, 0.2, 0.3))),
      ],
      attributes: { gather_axis: int(0), quantize_axis: int(1), block_size: int(32), bits: int(4) },
    },
  ],
  'com.microsoft::MultiHeadAttention': [
    {
      inputs: [floats([2, 3, 8]), floats([2, 3, 8]), floats([2, 3, 8])],
      attributes: { num_heads: int(2) },
    },
  ],
} satisfies Partial<Record<KnownOp, readonly OpCase[]>>
