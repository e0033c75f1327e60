/**
 * Every quantized operator beside the floats made of it, by ONNX Runtime's own kernels: equal where only weights are
 * rounded, within some steps of the scale where activations are; and what is left, with its reason.
 */
import { describe, expect, it } from 'vitest'
import { maxDifference } from '../../../test/support/tensors.ts'
import { float, graphAttribute, int, ints } from '../../graph/attributes.ts'
import { GraphBuilder } from '../../graph/builder.ts'
import { elementCount, type HostTensor } from '../../graph/data-type.ts'
import type { Attributes, Graph, Value } from '../../graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor, int64Tensor } from '../../graph/tensor.ts'
import { tensorReader } from '../../onnx/materialize.ts'
import { onnxBytes } from '../../onnx/write-onnx.ts'
import { openInline } from '../../runtime/open-inline.ts'
import { randomFrom } from '../../stats/random.ts'
import { dequantizeGraph, isQuantizedOp } from './dequantize.ts'

const microsoft = { domain: 'com.microsoft' }
const random = randomFrom(3)
const codes = (shape: number[], signed = true) => {
  const values = Array.from({ length: elementCount(shape) }, () => random.below(255))
  return signed
    ? inlineTensor(
        'int8',
        shape,
        Int8Array.from(values, (value) => value - 127),
      )
    : inlineTensor('uint8', shape, Uint8Array.from(values))
}
const zero = (value: number) => inlineTensor('uint8', [], Uint8Array.of(value))
const scales = (shape: number[]) =>
  float32Tensor(
    Array.from({ length: elementCount(shape) }, (_, i) => 0.01 + 0.001 * i),
    shape,
  )

/** Builds on `x` of the shape; gives what is the output. */
interface Case {
  readonly title: string
  readonly shape: readonly number[]
  /** Largest difference; 1e-5 where activations are not rounded. */
  readonly within: number
  build(b: GraphBuilder, x: Value): Value
}

/** x between about −1 and 1, in codes of a scale. */
const STEP = 1 / 120
const rounded = (b: GraphBuilder, x: Value): [Value, Value, Value] => {
  const [scale, at] = [b.constant(floatScalar(STEP)), b.constant(zero(128))]
  return [b.op('QuantizeLinear', [x, scale, at]), scale, at]
}
/** Scale and zero point of a result, and its floats. */
const result = (b: GraphBuilder, step: number, at = 128): [Value, Value] => [
  b.constant(floatScalar(step)),
  b.constant(zero(at)),
]
const floats = (b: GraphBuilder, y: Value, [scale, at]: readonly [Value, Value]): Value =>
  b.op('DequantizeLinear', [y, scale, at])

/** An operator of com.microsoft with operands in codes and a result in codes. */
const between =
  (
    op: string,
    operands: number,
    {
      attributes = {},
      step = STEP,
      at = 128,
    }: { attributes?: Attributes; step?: number; at?: number } = {},
  ): Case['build'] =>
  (b, x) => {
    const one = rounded(b, x)
    const many = Array.from({ length: operands }, () => one).flat()
    const y = result(b, step, at)
    return floats(b, b.op(op, [...many, ...y], attributes, microsoft), y)
  }

const cases: readonly Case[] = [
  {
    title: 'QLinearAdd',
    shape: [2, 3],
    within: 0.03,
    build: between('QLinearAdd', 2, { step: 2 * STEP }),
  },
  { title: 'QLinearMul', shape: [2, 3], within: 0.03, build: between('QLinearMul', 2) },
  {
    title: 'QLinearSigmoid',
    ...{
      shape: [2, 3],
      within: 0.01,
      build: between('QLinearSigmoid', 1, { step: 1 / 256, at: 0 }),
    },
  },
  {
    title: 'QLinearLeakyRelu',
    shape: [2, 3],
    within: 0.02,
    build: between('QLinearLeakyRelu', 1, { attributes: { alpha: float(0.2) } }),
  },
  {
    title: 'QLinearSoftmax',
    shape: [2, 3],
    within: 0.01,
    build: between('QLinearSoftmax', 1, {
      ...{ attributes: { axis: int(-1), opset: int(13) }, step: 1 / 256, at: 0 },
    }),
  },
  {
    title: 'QLinearGlobalAveragePool',
    ...{ shape: [1, 2, 3, 3], within: 0.02, build: between('QLinearGlobalAveragePool', 1) },
  },
  {
    title: 'QLinearAveragePool',
    shape: [1, 2, 4, 4],
    within: 0.01,
    build: between('QLinearAveragePool', 1, { attributes: { kernel_shape: ints([2, 2]) } }),
  },
  {
    title: 'QLinearConcat',
    shape: [2, 3],
    within: 0.02,
    build(b, x) {
      const one = rounded(b, x)
      const y = result(b, STEP)
      const made = b.op('QLinearConcat', [...y, ...one, ...one], { axis: int(1) }, microsoft)
      return floats(b, made, y)
    },
  },
  {
    title: 'QLinearWhere',
    shape: [2, 3],
    within: 0.02,
    build(b, x) {
      const one = rounded(b, x)
      const y = result(b, STEP)
      const test = b.op('Greater', [x, b.constant(floatScalar(0))])
      const other = rounded(b, b.op('Neg', [x]))
      return floats(b, b.op('QLinearWhere', [test, ...one, ...other, ...y], {}, microsoft), y)
    },
  },
  {
    title: 'QLinearMatMul by column, moved after',
    shape: [2, 4],
    within: 0.08,
    build(b, x) {
      const y = result(b, 0.03)
      const zeros = b.constant(inlineTensor('int8', [3], new Int8Array(3)))
      const weight = [b.constant(codes([4, 3])), b.constant(scales([3])), zeros]
      const product = b.op('QLinearMatMul', [...rounded(b, x), ...weight, ...y])
      const turned = b.op('Transpose', [product], { perm: ints([1, 0]) })
      return floats(b, turned, y)
    },
  },
  {
    title: 'QLinearConv with a bias',
    shape: [1, 2, 5, 5],
    within: 0.2,
    build(b, x) {
      const y = result(b, 0.08)
      const zeros = b.constant(inlineTensor('int8', [3], new Int8Array(3)))
      const weight = [b.constant(codes([3, 2, 3, 3])), b.constant(scales([3])), zeros]
      const bias = b.constant(inlineTensor('int32', [3], Int32Array.of(900, -4000, 12000)))
      const inputs = [...rounded(b, x), ...weight, ...y, bias]
      return floats(b, b.op('QLinearConv', inputs, { pads: ints([1, 1, 1, 1]) }), y)
    },
  },
  {
    title: 'a Relu that rounding stands for',
    shape: [2, 4],
    within: 0.06,
    build(b, x) {
      const weight = b.op('DequantizeLinear', [
        b.constant(codes([4, 3])),
        b.constant(floatScalar(0.01)),
      ])
      const product = b.op('MatMul', [x, weight])
      const y = result(b, 0.02, 0)
      return floats(b, b.op('QuantizeLinear', [product, ...y]), y)
    },
  },
  ...[1, 0].map(
    (turned): Case => ({
      title: `QGemm, transB ${turned}`,
      shape: [2, 4],
      within: 0.06,
      build(b, x) {
        const zeros = b.constant(inlineTensor('int8', [3], new Int8Array(3)))
        const matrix = b.constant(codes(turned ? [3, 4] : [4, 3]))
        const bias = b.constant(inlineTensor('int32', [3], Int32Array.of(900, -4000, 12000)))
        const inputs = [...rounded(b, x), matrix, b.constant(scales([3])), zeros, bias]
        const attributes = { transB: int(turned), alpha: float(0.5) }
        return b.op('QGemm', inputs, attributes, microsoft)
      },
    }),
  ),
  {
    title: 'QAttention',
    shape: [1, 3, 4],
    within: 0.06,
    build(b, x) {
      const [quantized, scale, at] = rounded(b, x)
      const bias = b.constant(float32Tensor(Array.from({ length: 12 }, (_, i) => i / 20)))
      const inputs = [
        ...[quantized, b.constant(codes([4, 12])), bias, scale, b.constant(floatScalar(0.01))],
        ...[undefined, at, b.constant(inlineTensor('int8', [], new Int8Array(1)))],
      ]
      return b.op('QAttention', inputs, { num_heads: int(2) }, microsoft)
    },
  },
  {
    title: 'ConvInteger',
    shape: [1, 2, 5, 5],
    within: 0.15,
    build(b, x) {
      const [quantized, scale, at] = b.ops('DynamicQuantizeLinear', [x], 3)
      const sums = b.op('ConvInteger', [quantized, b.constant(codes([3, 2, 3, 3])), at])
      const factor = b.op('Mul', [scale!, b.constant(floatScalar(0.01))])
      return b.op('Mul', [b.op('Cast', [sums], { to: int(1) }), factor])
    },
  },
  {
    title: 'MatMulInteger of two activations',
    shape: [3, 3],
    within: 0.05,
    build(b, x) {
      const [left, s, z] = b.ops('DynamicQuantizeLinear', [x], 3)
      const [right, t, w] = b.ops('DynamicQuantizeLinear', [b.op('Neg', [x])], 3)
      const sums = b.op('Cast', [b.op('MatMulInteger', [left, right, z, w])], { to: int(1) })
      return b.op('Mul', [b.op('Mul', [sums, s]), t])
    },
  },
  {
    title: 'MatMulInteger of fixed ranges, scales in one constant',
    shape: [3, 4],
    within: 0.05,
    build(b, x) {
      const [quantized, , at] = rounded(b, x)
      const sums = b.op('MatMulInteger', [quantized, b.constant(codes([4, 2])), at])
      const factor = b.constant(float32Tensor([0.01 * STEP, 0.02 * STEP]))
      return b.op('Mul', [b.op('Cast', [sums], { to: int(1) }), factor])
    },
  },
  {
    title: 'MatMulIntegerToFloat',
    shape: [3, 4],
    within: 0.05,
    build(b, x) {
      const [quantized, scale, at] = b.ops('DynamicQuantizeLinear', [x], 3)
      const bias = b.constant(float32Tensor([1, 2]))
      const weight = [b.constant(codes([4, 2])), scale, b.constant(scales([2])), at, undefined]
      return b.op('MatMulIntegerToFloat', [quantized, ...weight, bias], {}, microsoft)
    },
  },
  ...['MatMulInteger', 'MatMulIntegerToFloat'].map(
    (op): Case => ({
      title: `${op} with a scale for each token`,
      shape: [3, 4],
      within: 0.04,
      build(b, x) {
        const sizes = b.op('ReduceMax', [b.op('Abs', [x]), b.int64s([-1])], { keepdims: int(0) })
        const scale = b.op('Mul', [sizes, b.constant(floatScalar(1 / 127))])
        const at = b.constant(zero(128))
        const points = b.op('Expand', [at, b.op('Shape', [scale])])
        const quantized = b.op('QuantizeLinear', [x, scale, points], { axis: int(0) })
        const column = b.op('Unsqueeze', [scale, b.int64s([1])])
        const [weight, factors] = [b.constant(codes([4, 2])), b.constant(scales([2]))]
        if (op === 'MatMulIntegerToFloat') {
          const inputs = [quantized, weight, b.constant(floatScalar(1)), factors, at]
          return b.op('Mul', [b.op(op, inputs, {}, microsoft), column])
        }
        const sums = b.op('Cast', [b.op(op, [quantized, weight, at])], { to: int(1) })
        return b.op('Mul', [b.op('Mul', [sums, factors]), column])
      },
    }),
  ),
  {
    title: 'DynamicQuantizeMatMul',
    shape: [3, 4],
    within: 0.05,
    build(b, x) {
      const bias = b.constant(float32Tensor([1, 2]))
      const weight = [b.constant(codes([4, 2])), b.constant(scales([2])), undefined]
      return b.op('DynamicQuantizeMatMul', [x, ...weight, bias], {}, microsoft)
    },
  },
  ...[2, 4, 8].map(
    (bits): Case => ({
      title: `MatMulNBits, ${bits} bits, a last block that is not full, a bias`,
      shape: [3, 40],
      within: 1e-5,
      build(b, x) {
        const matrix = b.constant(codes([2, 3, (16 * bits) / 8], false))
        const zeros = b.constant(codes([2, Math.ceil((3 * bits) / 8)], false))
        const bias = b.constant(float32Tensor([1, 2]))
        const attributes = { K: int(40), N: int(2), bits: int(bits), block_size: int(16) }
        const inputs = [x, matrix, b.constant(scales([2, 3])), zeros, undefined, bias]
        return b.op('MatMulNBits', inputs, attributes, microsoft)
      },
    }),
  ),
  ...[4, 8].flatMap((bits) =>
    [true, false].map(
      (symmetric): Case => ({
        title: `GatherBlockQuantized, ${bits} bits, zero points ${!symmetric}`,
        shape: [1, 32],
        within: 1e-6,
        build(b, x) {
          const table = b.constant(codes([5, (32 * bits) / 8], false))
          const zeros = symmetric ? [] : [b.constant(codes([5, (2 * bits) / 8], false))]
          const ids = b.constant(int64Tensor([4, 0, 3]))
          const attributes = { block_size: int(16), bits: int(bits), quantize_axis: int(1) }
          const inputs = [table, ids, b.constant(scales([5, 2])), ...zeros]
          return b.op('Add', [x, b.op('GatherBlockQuantized', inputs, attributes, microsoft)])
        },
      }),
    ),
  ),
  {
    title: 'a table of int8 rows with a scale each',
    shape: [1, 4],
    within: 1e-6,
    build(b, x) {
      const ids = b.constant(int64Tensor([4, 0, 3]))
      const rows = b.op('Gather', [b.constant(codes([5, 4])), ids])
      const factors = b.op('Gather', [b.constant(scales([5, 1])), ids])
      return b.op('Add', [x, b.op('Mul', [b.op('Cast', [rows], { to: int(1) }), factors])])
    },
  },
  {
    title: 'DequantizeLinear in blocks of int4',
    shape: [1, 8],
    within: 1e-6,
    build(b, x) {
      const table = b.constant(
        inlineTensor(
          'int4',
          [3, 8],
          codes([3, 4], false) && Uint8Array.from({ length: 12 }, (_, i) => 37 * i),
        ),
      )
      const attributes = { axis: int(1), block_size: int(4) }
      return b.op('Add', [
        x,
        b.op('DequantizeLinear', [table, b.constant(scales([3, 2]))], attributes),
      ])
    },
  },
  {
    title: 'a weight in a branch',
    shape: [2, 4],
    within: 1e-5,
    build(b, x) {
      const branch = (op: string): Graph => {
        const inner = new GraphBuilder(op)
        const weight = [inner.constant(codes([4, 2])), inner.constant(scales([2]))]
        const y = inner.op('MatMul', [x, inner.op('DequantizeLinear', weight, { axis: int(1) })])
        inner.output('y', inner.op(op, [y]))
        return inner.build()
      }
      const test = b.op('Greater', [
        b.op('ReduceSum', [x], { keepdims: int(0) }),
        b.constant(floatScalar(0)),
      ])
      return b.op('If', [test], {
        then_branch: graphAttribute(branch('Neg')),
        else_branch: graphAttribute(branch('Abs')),
      })
    },
  },
]

function graphOf({ shape, build }: Pick<Case, 'shape' | 'build'>): Graph {
  const b = new GraphBuilder('case')
  const x = b.input('x', 'float32', shape)
  b.output('y', build(b, x))
  return b.build()
}

async function run(graph: Graph, x: HostTensor): Promise<HostTensor> {
  const engine = await openInline(onnxBytes(graph), { optimization: 'disabled', threads: 1 })
  try {
    return (await engine.run({ x })).y!
  } finally {
    await engine.release()
  }
}

/** Operators of a graph and its branches. */
const isQuantized = (graph: Graph): boolean =>
  graph.nodes.some(
    (node) =>
      isQuantizedOp(node) ||
      Object.values(node.attributes).some((one) => one.type === 'graph' && isQuantized(one.value)),
  )

const { read } = tensorReader()

it.each(cases)('$title', async ({ within, ...each }) => {
  const graph = graphOf(each)
  const { graph: made, left } = dequantizeGraph(graph, read)
  expect(left).toEqual([])
  expect(isQuantized(made)).toBe(false)
  const data = Float32Array.from({ length: elementCount(each.shape) }, (_, i) => Math.sin(i * 2.3))
  const x: HostTensor = { dtype: 'float32', shape: each.shape, data }
  const [expected, found] = [await run(graph, x), await run(made, x)]
  expect(found.shape).toEqual(expected.shape)
  expect(maxDifference(found, expected)).toBeLessThan(within)
  expect(Math.max(...(expected.data as Float32Array).map(Math.abs))).toBeGreaterThan(4 * within)
})

describe('what is left, and why', () => {
  const weight = (b: GraphBuilder) => b.constant(codes([4, 2]), 'w')
  const factor = (b: GraphBuilder) => b.constant(floatScalar(0.5))

  it.each([
    [
      'another scale',
      (b, x) => floats(b, rounded(b, x)[0], result(b, 0.5)),
      "'QuantizeLinear' is read by another scale than it is written by",
    ],
    [
      'a scale that is computed',
      (b, x) => b.op('DequantizeLinear', [weight(b), b.op('ReduceMax', [x], { keepdims: int(0) })]),
      "the scale of 'w' is no constant",
    ],
    [
      'columns in another order',
      (b, x) => {
        const order = b.constant(inlineTensor('int32', [4], Int32Array.of(0, 1, 2, 3)))
        const inputs = [
          x,
          b.constant(codes([2, 1, 16], false)),
          b.constant(scales([2, 1])),
          undefined,
          order,
        ]
        const attributes = { K: int(4), N: int(2), bits: int(8), block_size: int(16) }
        return b.op('MatMulNBits', inputs, attributes, microsoft)
      },
      'its columns are in another order (g_idx)',
    ],
    [
      'sums that are multiplied by something else',
      (b, x) => {
        const [quantized, , at] = b.ops('DynamicQuantizeLinear', [x], 3)
        const sums = b.op('Cast', [b.op('MatMulInteger', [quantized, weight(b), at])], {
          to: int(1),
        })
        return b.op('Mul', [sums, b.op('ReduceMax', [x])])
      },
      'its output is read as it is',
    ],
    [
      'an operator that is not known',
      (b, x) => b.op('QMoE', [x, weight(b), factor(b)], {}, microsoft),
      'the operator is not known',
    ],
    [
      'scales that do not fit',
      (b) => b.op('DequantizeLinear', [weight(b), b.constant(scales([3]))], { axis: int(1) }),
      "'w': 3 scales for 2 indices of axis 1",
    ],
  ] satisfies [string, Case['build'], string][])('%s', (_, build, reason) => {
    const { left } = dequantizeGraph(graphOf({ shape: [3, 4], build }), read)
    expect(left.map((each) => each.reason)).toContain(reason)
  })
})
