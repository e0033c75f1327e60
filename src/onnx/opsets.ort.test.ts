/**
 * Each change of an operator between opsets: a file in the old form and the same one lifted (and lowered
 * again to 17) give one output in ONNX Runtime.
 */
import { describe, expect, it } from 'vitest'
import { LimbeckError } from '../errors.ts'
import { float, floats, int, ints, string } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Attributes, Graph } from '../graph/graph.ts'
import { float32Tensor, int64Tensor, type Tensor } from '../graph/tensor.ts'
import { openInline } from '../runtime/open-inline.ts'
import { liftTable } from './lift-table.ts'
import { lowerTable } from './lower-table.ts'
import { readOnnxBytes } from './read-onnx.ts'
import { onnxBytes } from './write-onnx.ts'

/** An operator in the form of an opset: its input's shape, its other inputs (constants), its outputs. */
interface Case {
  readonly op: string
  readonly opset: number
  readonly shape?: readonly number[]
  readonly more?: readonly (Tensor | undefined)[]
  readonly attributes?: Attributes
  readonly outputs?: number
  /** Opsets to write; the default is those where an operator changed. */
  readonly targets?: readonly number[]
}

const ones = (shape: number[]) =>
  float32Tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1 + i / 8),
    shape,
  )

const old: readonly Case[] = [
  { op: 'Squeeze', opset: 11, shape: [1, 3, 1], attributes: { axes: ints([2]) } },
  { op: 'Squeeze', opset: 11, shape: [1, 3, 1] },
  { op: 'Unsqueeze', opset: 11, attributes: { axes: ints([0, 2]) } },
  { op: 'ReduceSum', opset: 11, attributes: { axes: ints([1]), keepdims: int(0) } },
  { op: 'ReduceSum', opset: 12 },
  { op: 'ReduceMean', opset: 17, attributes: { axes: ints([-1]) } },
  { op: 'ReduceMean', opset: 13, attributes: { keepdims: int(0) } },
  { op: 'ReduceMax', opset: 11, attributes: { axes: ints([0, 1]) } },
  { op: 'ReduceL2', opset: 13, attributes: { axes: ints([1]) } },
  { op: 'Split', opset: 11, attributes: { split: ints([1, 3]), axis: int(1) }, outputs: 2 },
  { op: 'Split', opset: 11, attributes: { axis: int(1) }, outputs: 2 },
  { op: 'Split', opset: 13, more: [int64Tensor([3, 1])], attributes: { axis: int(1) }, outputs: 2 },
  { op: 'Split', opset: 17, attributes: { axis: int(-1) }, outputs: 4 },
  { op: 'Clip', opset: 10, attributes: { min: float(-0.5), max: float(0.25) } },
  { op: 'Clip', opset: 10, attributes: { max: float(0.25) } },
  { op: 'Pad', opset: 10, attributes: { pads: ints([1, 0, 0, 2]), value: float(0.5) } },
  { op: 'Pad', opset: 10, attributes: { pads: ints([1, 1, 1, 1]), mode: string('reflect') } },
  { op: 'Slice', opset: 9, attributes: { starts: ints([1]), ends: ints([3]), axes: ints([1]) } },
  { op: 'Slice', opset: 9, attributes: { starts: ints([1, 0]), ends: ints([9, -1]) } },
  { op: 'TopK', opset: 9, attributes: { k: int(2), axis: int(-1) }, outputs: 2 },
  { op: 'Dropout', opset: 10, attributes: { ratio: float(0.5) } },
  { op: 'Dropout', opset: 7, attributes: { ratio: float(0.5) } },
  {
    op: 'BatchNormalization',
    opset: 9,
    shape: [2, 4, 3],
    more: [ones([4]), ones([4]), ones([4]), ones([4])],
  },
  { op: 'Softmax', opset: 11, shape: [2, 3, 4] },
  { op: 'Softmax', opset: 11, shape: [2, 3, 4], attributes: { axis: int(2) } },
  { op: 'Softmax', opset: 12, shape: [2, 3, 4], attributes: { axis: int(-1) } },
  { op: 'LogSoftmax', opset: 11, shape: [2, 3, 4], attributes: { axis: int(0) } },
  { op: 'Hardmax', opset: 11, shape: [2, 3, 4], attributes: { axis: int(1) } },
  {
    op: 'Upsample',
    opset: 7,
    shape: [1, 1, 2, 3],
    attributes: { scales: floats([1, 1, 2, 3]), mode: string('nearest') },
  },
  { op: 'Upsample', opset: 9, shape: [1, 1, 2, 3], more: [float32Tensor([1, 1, 2, 2])] },
  {
    op: 'Resize',
    opset: 10,
    shape: [1, 1, 4, 4],
    more: [float32Tensor([1, 1, 0.5, 2])],
    attributes: { mode: string('nearest') },
  },
  {
    op: 'Resize',
    opset: 10,
    shape: [1, 1, 4, 4],
    more: [float32Tensor([1, 1, 2, 2])],
    attributes: { mode: string('linear') },
  },
  {
    op: 'Resize',
    opset: 11,
    shape: [1, 1, 4, 4],
    more: [float32Tensor([]), float32Tensor([]), int64Tensor([1, 1, 8, 6])],
    attributes: { mode: string('linear') },
  },
  {
    op: 'Scatter',
    opset: 9,
    more: [int64Tensor([0, 1], [1, 2]), float32Tensor([9, 8], [1, 2])],
  },
  {
    op: 'GridSample',
    opset: 16,
    shape: [1, 1, 4, 4],
    more: [float32Tensor([-0.4, 0.3, 0.2, 0.1], [1, 1, 2, 2])],
    attributes: { mode: string('bicubic') },
  },
  {
    op: 'RoiAlign',
    opset: 10,
    shape: [1, 1, 6, 6],
    more: [float32Tensor([0, 0, 4, 4], [1, 4]), int64Tensor([0])],
    attributes: { output_height: int(2), output_width: int(2) },
    // ONNX Runtime 1.30 has no kernel for its newest version
    targets: [20, 17],
  },
  {
    op: 'GroupNormalization',
    opset: 18,
    shape: [2, 4, 3],
    more: [ones([2]), ones([2])],
    attributes: { num_groups: int(2) },
  },
  ...['L1', 'LogSum', 'LogSumExp', 'Min', 'Prod', 'SumSquare'].map((kind) => ({
    op: `Reduce${kind}`,
    opset: 13,
    attributes: { axes: ints([0]) },
  })),
  { op: 'DFT', opset: 17, shape: [1, 4, 1], attributes: { axis: int(1) } },
]

const reduced = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Min', 'Prod', 'SumSquare'].map((kind) => ({
  op: `Reduce${kind}`,
  opset: 24,
  more: [int64Tensor([0])],
}))

/** What the canonical opset has and 17 writes otherwise. */
const newer: readonly Case[] = [
  { op: 'Gelu', opset: 24 },
  { op: 'Gelu', opset: 24, attributes: { approximate: string('tanh') } },
  { op: 'Mish', opset: 24 },
  { op: 'Swish', opset: 24, attributes: { alpha: float(1.5) } },
  { op: 'RMSNormalization', opset: 24, more: [ones([4])], attributes: { epsilon: float(1e-3) } },
  {
    op: 'RMSNormalization',
    opset: 24,
    shape: [2, 3, 4],
    more: [ones([3, 4])],
    attributes: { axis: int(1) },
  },
  {
    op: 'GroupNormalization',
    opset: 24,
    shape: [2, 4, 3, 2],
    more: [ones([4]), ones([4])],
    attributes: { num_groups: int(2) },
  },
  { op: 'ReduceMean', opset: 24, more: [int64Tensor([1])], attributes: { keepdims: int(0) } },
  { op: 'ReduceMax', opset: 24, attributes: { noop_with_empty_axes: int(1) } },
  { op: 'Split', opset: 24, attributes: { num_outputs: int(2), axis: int(1) }, outputs: 2 },
  {
    op: 'Split',
    opset: 24,
    shape: [2, 5],
    attributes: { num_outputs: int(2), axis: int(1) },
    outputs: 2,
  },
  {
    op: 'Pad',
    opset: 24,
    more: [int64Tensor([1, 2]), float32Tensor([3], []), int64Tensor([-1])],
  },
  { op: 'Cast', opset: 24, attributes: { to: int(10), saturate: int(1) } },
  {
    op: 'Resize',
    opset: 24,
    shape: [1, 1, 4, 4],
    more: [undefined, float32Tensor([1, 1, 2, 2])],
    attributes: { antialias: int(0) },
  },
  ...reduced,
  {
    op: 'AveragePool',
    opset: 24,
    shape: [1, 1, 4, 4],
    attributes: { kernel_shape: ints([2, 2]), dilations: ints([1, 1]) },
  },
  {
    op: 'LpPool',
    opset: 24,
    shape: [1, 1, 4, 4],
    attributes: { kernel_shape: ints([2, 2]), ceil_mode: int(0) },
    // ONNX Runtime 1.30 has no kernel for its newest version
    targets: [20, 17],
  },
  { op: 'CastLike', opset: 24, more: [int64Tensor([0])], attributes: { saturate: int(1) } },
  {
    op: 'DFT',
    opset: 24,
    shape: [1, 4, 1],
    more: [undefined, int64Tensor([1], [])],
    targets: [20, 17],
  },
  {
    op: 'GridSample',
    opset: 24,
    shape: [1, 1, 4, 4],
    more: [float32Tensor([-0.4, 0.3, 0.2, 0.1], [1, 1, 2, 2])],
    attributes: { mode: string('cubic') },
  },
  {
    op: 'QuantizeLinear',
    opset: 24,
    more: [float32Tensor([0.1], [])],
    attributes: { output_dtype: int(2), block_size: int(0), precision: int(0) },
  },
  {
    op: 'ScatterND',
    opset: 24,
    more: [int64Tensor([0], [1, 1]), ones([1, 4])],
    attributes: { reduction: string('add') },
  },
  {
    op: 'ScatterElements',
    opset: 24,
    more: [int64Tensor([0, 1], [1, 2]), float32Tensor([9, 8], [1, 2])],
  },
]

/** What opset 17 cannot say. */
const refused: readonly Case[] = [
  ...[
    'AffineGrid',
    'Attention',
    'BitwiseAnd',
    'BitwiseNot',
    'BitwiseOr',
    'BitwiseXor',
    'CenterCropPad',
    'Col2Im',
    'DeformConv',
    'ImageDecoder',
    'RegexFullMatch',
    'RotaryEmbedding',
    'StringConcat',
    'StringSplit',
    'TensorScatter',
  ].map((op) => ({ op, opset: 24 })),
  { op: 'Resize', opset: 24, attributes: { antialias: int(1) } },
  { op: 'Resize', opset: 24, attributes: { axes: ints([1]) } },
  { op: 'Pad', opset: 24, more: [int64Tensor([1])], attributes: { mode: string('wrap') } },
  { op: 'ScatterND', opset: 24, attributes: { reduction: string('max') } },
  { op: 'Cast', opset: 24, attributes: { to: int(17), saturate: int(0) } },
  { op: 'QuantizeLinear', opset: 24, attributes: { output_dtype: int(21) } },
  { op: 'DequantizeLinear', opset: 24, attributes: { block_size: int(16) } },
]

function graphOf({ op, opset, shape = [3, 4], more = [], attributes, outputs = 1 }: Case): Graph {
  const builder = new GraphBuilder('case')
  const x = builder.input('x', 'float32', shape)
  const inputs = more.map((tensor) => tensor && builder.constant(tensor))
  const results = builder.ops(op, [x, ...inputs], outputs, attributes)
  results.forEach((value, i) => {
    builder.output(`y${i}`, value)
  })
  return { ...builder.build(), opsets: new Map([['', opset]]) }
}

async function run(model: Uint8Array, shape: readonly number[]): Promise<HostTensor[]> {
  const engine = await openInline(model, { optimization: 'disabled', threads: 1 })
  const count = shape.reduce((a, b) => a * b, 1)
  const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 2.3))
  const outputs = await engine.run({ x: { dtype: 'float32', shape, data } })
  await engine.release()
  return Object.values(outputs)
}

function expectClose(got: readonly HostTensor[], expected: readonly HostTensor[]): void {
  expect(got.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
    expected.map(({ dtype, shape }) => ({ dtype, shape })),
  )
  got.forEach(({ data }, i) => {
    const other = expected[i]!.data
    data.forEach((value: number | bigint, j: number) => {
      if (Number.isNaN(value)) expect(other[j]).toBeNaN()
      else expect(Math.abs(Number(value) - Number(other[j]))).toBeLessThan(2e-6)
    })
  })
}

const title = ({ op, opset, attributes = {} }: Case): string =>
  `${op} of opset ${opset} ${JSON.stringify(Object.values(attributes).map(({ value }) => value))}`

describe('lifted to the canonical opset', () => {
  it.each(old.map((row) => [title(row), row] as const))('%s', async (_, row) => {
    const original = onnxBytes(graphOf(row), { opset: 24, irVersion: 8 })
    const lifted = readOnnxBytes(original)
    expect(lifted.opsets.get('')).toBe(24)
    const expected = await run(original, row.shape ?? [3, 4])
    for (const opset of row.targets ?? [24, 20, 17]) {
      expectClose(await run(onnxBytes(lifted, { opset }), row.shape ?? [3, 4]), expected)
    }
  })
})

describe('lowered from the canonical opset', () => {
  it.each(newer.map((row) => [title(row), row] as const))('%s', async (_, row) => {
    const graph = graphOf(row)
    const [first, ...others] = row.targets ?? [24, 23, 20, 18, 17]
    const expected = await run(onnxBytes(graph, { opset: first! }), row.shape ?? [3, 4])
    for (const opset of others) {
      expectClose(await run(onnxBytes(graph, { opset }), row.shape ?? [3, 4]), expected)
    }
  })
})

describe('refused', () => {
  it.each(refused.map((row) => [title(row), row] as const))('%s', (_, row) => {
    expect(() => onnxBytes(graphOf(row), { opset: 17 })).toThrow(LimbeckError)
    expect(() => onnxBytes(graphOf(row), { opset: 17 })).toThrow(`Node ${row.op} '${row.op}':`)
  })

  it.each([
    ['Scan', 8, {}],
    ['BatchNormalization', 7, { spatial: int(0) }],
  ] as const)('%s of opset %i', (op, opset, attributes) => {
    const bytes = onnxBytes(graphOf({ op, opset, attributes }), { opset: 24 })
    expect(() => readOnnxBytes(bytes)).toThrow(`Node ${op} 'y0':`)
  })
})

it('has a case for every row of the tables', () => {
  const has = (cases: readonly Case[]) => new Set(cases.map(({ op }) => op))
  const [lifted, lowered] = [has(old).add('Scan'), has([...newer, ...refused])]
  expect(Object.keys(liftTable).filter((op) => !lifted.has(op))).toEqual([])
  expect(Object.keys(lowerTable).filter((op) => !lowered.has(op))).toEqual([])
})
