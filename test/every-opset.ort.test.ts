/**
 * One attention block as an exporter of each opset from 11 to 24 would write it, with that opset's own spelling of
 * every operator: read, raised, lowered for the CPU and for any runtime, written; outputs as ONNX Runtime computes them
 * from the file. And the same block cut into model functions, nested, with attributes handed down.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { float, int, ints, string } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Value } from '../src/graph/graph.ts'
import { float32Tensor, floatScalar, int64Tensor } from '../src/graph/tensor.ts'
import { raisedGraph } from '../src/jobs/logical-graph.ts'
import {
  FunctionProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
} from '../src/onnx/generated/onnx-ml.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { readOnnxBytes } from '../src/onnx/read-onnx.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { outputsOf } from './support/exports.ts'
import { expectOutputs } from './support/tensors.ts'

const [WIDTH, HEADS, VOCAB] = [16, 2, 12]
const SIZE = WIDTH / HEADS
const numbers = (count: number, from: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(from + i * 1.7) / 2)

/** The block in an opset: an operator is spelled as that opset has it. */
function block(opset: number): Uint8Array {
  const b = new GraphBuilder('block')
  const since = (version: number): boolean => opset >= version
  const constant = (shape: number[], from: number) =>
    b.constant(
      float32Tensor(
        numbers(
          shape.reduce((x, y) => x * y, 1),
          from,
        ),
        shape,
      ),
    )
  const number = (value: number) => b.constant(floatScalar(value))
  /** Axes are an input from the given opset on. */
  const withAxes = (op: string, version: number, x: Value, axes: number[]) =>
    since(version) ? b.op(op, [x, b.int64s(axes)]) : b.op(op, [x], { axes: ints(axes) })
  const unsqueeze = (x: Value, axes: number[]) => withAxes('Unsqueeze', 13, x, axes)
  const mean = (x: Value) => withAxes('ReduceMean', 18, x, [-1])

  const ids = b.input('input_ids', 'int64', ['batch', 'sequence'])
  const mask = b.input('attention_mask', 'int64', ['batch', 'sequence'])
  const sizes = b.op('Shape', [ids])
  const at = (i: number) =>
    unsqueeze(b.op('Gather', [sizes, b.constant(int64Tensor([i], []))], { axis: int(0) }), [0])
  const shapeOf = (...last: number[]) =>
    b.op('Concat', [at(0), at(1), ...last.map((size) => b.int64s([size]))], { axis: int(0) })

  const norm = (x: Value, from: number) => {
    const [scale, shift] = [constant([WIDTH], from), constant([WIDTH], from + 1)]
    if (since(17)) {
      return b.op('LayerNormalization', [x, scale, shift], { axis: int(-1), epsilon: float(1e-5) })
    }
    const centred = b.op('Sub', [x, mean(x)])
    const variance = mean(b.op('Pow', [centred, number(2)]))
    const root = b.op('Sqrt', [b.op('Add', [variance, number(1e-5)])])
    return b.op('Add', [b.op('Mul', [b.op('Div', [centred, root]), scale]), shift])
  }
  const dense = (x: Value, from: number, [rows, columns]: [number, number] = [WIDTH, WIDTH]) =>
    b.op('Add', [
      b.op('MatMul', [x, constant([rows, columns], from)]),
      constant([columns], from + 3),
    ])
  const gelu = (x: Value) => {
    if (since(20)) return b.op('Gelu', [x], { approximate: string('none') })
    const erf = b.op('Erf', [b.op('Div', [x, number(Math.SQRT2)])])
    return b.op('Mul', [b.op('Mul', [x, b.op('Add', [erf, number(1)])]), number(0.5)])
  }
  /** Dropout at rest: the ratio is an input from 12 on. */
  const dropout = (x: Value) =>
    since(12) ? b.op('Dropout', [x, number(0.1)]) : b.op('Dropout', [x], { ratio: float(0.1) })

  const x = norm(b.op('Gather', [constant([VOCAB, WIDTH], 1), ids]), 5)
  const qkv = dense(x, 9, [WIDTH, 3 * WIDTH])
  const split = { axis: int(-1) }
  const parts = since(18)
    ? b.ops('Split', [qkv], 3, { ...split, num_outputs: int(3) })
    : since(13)
      ? b.ops('Split', [qkv, b.int64s([WIDTH, WIDTH, WIDTH])], 3, split)
      : b.ops('Split', [qkv], 3, { ...split, split: ints([WIDTH, WIDTH, WIDTH]) })
  const heads = (value: Value) =>
    b.op('Transpose', [b.op('Reshape', [value, shapeOf(HEADS, SIZE)])], {
      perm: ints([0, 2, 1, 3]),
    })
  const [query, key, value] = parts.map(heads) as [Value, Value, Value]
  const real = unsqueeze(b.op('Cast', [mask], { to: int(9) }), [1, 2])
  const context = () => {
    if (since(23)) {
      const square = b.op('Concat', [at(0), b.int64s([1]), at(1), at(1)], { axis: int(0) })
      return b.op('Attention', [query, key, value, b.op('Expand', [real, square])])
    }
    const keys = b.op('Transpose', [key], { perm: ints([0, 1, 3, 2]) })
    const scores = b.op('Div', [b.op('MatMul', [query, keys]), number(Math.sqrt(SIZE))])
    const masked = b.op('Where', [real, scores, number(-3.4028234663852886e38)])
    return b.op('MatMul', [dropout(b.op('Softmax', [masked], { axis: int(3) })), value])
  }
  const merged = b.op('Transpose', [context()], { perm: ints([0, 2, 1, 3]) })
  const attended = dense(b.op('Reshape', [merged, shapeOf(WIDTH)]), 30)
  const first = norm(b.op('Add', [dropout(attended), x]), 40)
  const wide = gelu(dense(first, 50, [WIDTH, 4 * WIDTH]))
  const out = norm(b.op('Add', [dense(wide, 60, [4 * WIDTH, WIDTH]), first]), 70)
  b.output('y', withAxes('Squeeze', 13, unsqueeze(out, [0]), [0]))
  // as it stands: the writer's own lowering has nothing to do at the canonical opset
  const graph = { ...b.build(), opsets: new Map([['', opset]]) }
  return onnxBytes(graph, { opset: 24, irVersion: opset < 23 ? 8 : 11 })
}

const int64 = (values: number[]): HostTensor => ({
  dtype: 'int64',
  shape: [2, values.length / 2],
  data: BigInt64Array.from(values, BigInt),
})
const feeds = {
  input_ids: int64([1, 4, 9, 11, 0, 3, 7, 2, 5, 8]),
  attention_mask: int64([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
}

const { read } = tensorReader()

/** Raised and lowered; how many operators were fused. */
function madeOf(model: Uint8Array, lowering: 'cpu' | 'portable') {
  const raised = raisedGraph(readOnnxBytes(model)).graph
  const { graph } = runPasses(raised, pipeline({ lowering, read }))
  const count = (op: string) => graph.nodes.filter((node) => node.op === op).length
  return { bytes: onnxBytes(graph, { opset: loweringOpset[lowering] }), count }
}

describe('a block of every opset', () => {
  it.each(Array.from({ length: 14 }, (_, i) => 11 + i))('%i', async (opset) => {
    const model = block(opset)
    expect(fromBinary(ModelProtoSchema, model).opsetImport).toMatchObject([
      { version: BigInt(opset) },
    ])
    const expected = await outputsOf(model, feeds)
    const cpu = madeOf(model, 'cpu')
    expect(['Attention', 'LayerNormalization', 'Gelu'].map(cpu.count)).toEqual([1, 3, 1])
    const portable = madeOf(model, 'portable')
    expect(portable.count('LayerNormalization')).toBe(3)
    for (const { bytes } of [cpu, portable])
      expectOutputs(await outputsOf(bytes, feeds), expected, 2e-6)
    // one model, however it is spelled
    expectOutputs(expected, await outputsOf(block(17), feeds), 2e-6)
  })
})

describe('a block in functions', () => {
  const attribute = (name: string, value: number) => ({ name, type: Kind.FLOAT, f: value })
  const handed = (name: string, from: string) => ({ name, refAttrName: from, type: Kind.FLOAT })

  /** Every LeakyRelu of the model as a function of a function, its slope handed down twice. */
  function inFunctions(version: bigint): Uint8Array {
    const b = new GraphBuilder('slopes')
    const x = b.input('x', 'float32', ['batch', WIDTH])
    const weight = b.constant(float32Tensor(numbers(WIDTH * WIDTH, 3), [WIDTH, WIDTH]))
    const h = b.op('LeakyRelu', [b.op('MatMul', [x, weight])], { alpha: float(0.25) })
    b.output('y', b.op('LeakyRelu', [b.op('Neg', [h])], { alpha: float(0.5) }))
    const model = fromBinary(ModelProtoSchema, onnxBytes(b.build(), { opset: 18 }))
    model.graph!.node = model.graph!.node.map((node) => {
      if (node.opType !== 'LeakyRelu') return node
      const { input, output } = node
      const slope = [attribute('slope', node.attribute[0]!.f)]
      const call = { opType: 'Outer', domain: 'local', input, output, attribute: slope }
      return create(NodeProtoSchema, call)
    })
    const local = [{ domain: 'local', version: 1n }]
    model.opsetImport.push(...create(ModelProtoSchema, { opsetImport: local }).opsetImport)
    const common = {
      ...{ domain: 'local', input: ['a'], output: ['c'], attribute: ['slope'] },
      opsetImport: [
        { domain: '', version },
        { domain: 'local', version: 1n },
      ],
    }
    const call = { input: ['a'], output: ['b'], attribute: [handed('slope', 'slope')] }
    model.functions.push(
      create(FunctionProtoSchema, {
        ...{ ...common, name: 'Outer' },
        node: [
          { opType: 'Inner', domain: 'local', ...call },
          { opType: 'Identity', input: ['b'], output: ['c'] },
        ],
      }),
      create(FunctionProtoSchema, {
        ...{ ...common, name: 'Inner' },
        node: [
          { opType: 'LeakyRelu', ...call, output: ['c'], attribute: [handed('alpha', 'slope')] },
        ],
      }),
    )
    return toBinary(ModelProtoSchema, model)
  }

  const data = Float32Array.from({ length: 2 * WIDTH }, (_, i) => Math.sin(i * 2.3))
  const input = { x: { dtype: 'float32', shape: [2, WIDTH], data } as HostTensor }

  it.each([
    ['are written out', 18n, ['Gemm', 'LeakyRelu', 'Neg', 'LeakyRelu']],
    // of another opset than the model: they stay calls, and go into the file
    ['stay calls', 17n, ['Gemm', 'Outer', 'Neg', 'Outer']],
  ] as const)('%s', async (_, version, ops) => {
    const model = inFunctions(version)
    const raised = raisedGraph(readOnnxBytes(model)).graph
    const expected = await outputsOf(model, input)
    for (const lowering of ['cpu', 'portable'] as const) {
      const { graph } = runPasses(raised, pipeline({ lowering, read }))
      expect(graph.nodes.map(({ op }) => op).filter((op) => op !== 'Transpose')).toEqual([...ops])
      const bytes = onnxBytes(graph, { opset: loweringOpset[lowering] })
      expectOutputs(await outputsOf(bytes, input), expected, 1e-6)
    }
  })
})
