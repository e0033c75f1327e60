/**
 * What stands inside If, Loop and Scan is raised and lowered as what stands outside: a BERT in both branches of
 * an If, with weights that the branches share, and layers in the bodies of loops.
 */
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { graphAttribute, int, ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import { type Graph, type Node, subgraphs, type Value } from '../src/graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor, int64Tensor } from '../src/graph/tensor.ts'
import { memoryFiles } from '../src/onnx/file-access.ts'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from '../src/onnx/generated/onnx-ml.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { raise, runPasses } from '../src/passes/index.ts'
import { type Lowering, loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { exportsRoot, inferenceModel, outputsOf, recorded } from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'
import { expectOutputs } from './support/tensors.ts'

const file = 'bert-sequence-classification/torchscript.onnx'
const flag = (value: boolean): HostTensor => ({
  dtype: 'bool',
  shape: [],
  data: Uint8Array.of(Number(value)),
})

/** The whole export in the branches of an If, which capture its inputs and weights; one answers the opposite. */
function inBranches(): Uint8Array {
  const model = fromBinary(ModelProtoSchema, inferenceModel(file))
  const graph = model.graph!
  const [logits] = graph.output
  const branch = (opposite: boolean) => {
    const nodes = graph.node.map((node) => clone(NodeProtoSchema, node))
    const op = opposite ? 'Neg' : 'Identity'
    nodes.push(create(NodeProtoSchema, { opType: op, input: [logits!.name], output: ['answer'] }))
    const output = [create(ValueInfoProtoSchema, { name: 'answer', type: logits!.type })]
    return create(AttributeProtoSchema, {
      name: opposite ? 'else_branch' : 'then_branch',
      type: AttributeProto_AttributeType.GRAPH,
      g: create(GraphProtoSchema, { name: op, node: nodes, output }),
    })
  }
  const condition = create(NodeProtoSchema, {
    opType: 'If',
    input: ['flag'],
    output: ['chosen'],
    attribute: [branch(false), branch(true)],
  })
  const tensorType = { elemType: 9, shape: { dim: [] } }
  graph.input.push(
    create(ValueInfoProtoSchema, {
      name: 'flag',
      type: { value: { case: 'tensorType', value: tensorType } },
    }),
  )
  graph.node = [condition]
  graph.output = [create(ValueInfoProtoSchema, { name: 'chosen', type: logits!.type })]
  graph.valueInfo = []
  return toBinary(ModelProtoSchema, model)
}

function lowered(bytes: Uint8Array, lowering: Lowering) {
  const files = memoryFiles(new Map([['model.onnx', bytes]]))
  const reader = tensorReader(files)
  const passes = [...raise(reader.read), ...pipeline({ lowering, read: reader.read })]
  const { graph } = runPasses(readOnnx('model.onnx', files), passes)
  return { graph, bytes: onnxBytes(graph, { opset: loweringOpset[lowering], reader }) }
}

const countIn = ({ nodes }: Graph, op: string): number =>
  nodes.filter((one) => one.op === op).length

describeWith(exportsRoot, 'a BERT in branches', () => {
  it.each([
    'cpu',
    'portable',
  ] as const)('%s: both are raised, and share their weights', async (to) => {
    const source = inBranches()
    const { graph, bytes } = lowered(source, to)
    const alone = lowered(inferenceModel(file), to)
    const [node] = graph.nodes.filter(({ op }) => op === 'If')
    const bodies = subgraphs(node as Node)
    expect(bodies).toHaveLength(2)
    for (const body of bodies) {
      for (const op of ['Attention', 'LayerNormalization', 'Gelu', 'Gemm']) {
        expect(countIn(body, op), op).toBe(countIn(alone.graph, op))
      }
      expect(body.nodes.length).toBeLessThanOrEqual(alone.graph.nodes.length + 3)
    }
    expect(bytes.length).toBeLessThan(alone.bytes.length * 1.2 + 8192)
    const inputs = recorded(file, 'in.')
    const { logits } = recorded(file, 'out.') as { logits: HostTensor }
    expectOutputs(await outputsOf(bytes, { ...inputs, flag: flag(true) }), { chosen: logits }, 1e-4)
    const other = { ...inputs, flag: flag(false) }
    expectOutputs(await outputsOf(bytes, other), await outputsOf(source, other), 1e-4)
  })
})

const numbers = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(1 + i * 1.7) / 2)

/** `gelu(x·W)` in parts, W captured from outside. */
function layer(b: GraphBuilder, x: Value, weight: Value): Value {
  const y = b.op('MatMul', [x, weight])
  const half = b.constant(floatScalar(0.5))
  const root = b.constant(floatScalar(Math.SQRT2))
  const one = b.constant(floatScalar(1))
  const gate = b.op('Add', [b.op('Erf', [b.op('Div', [y, root])]), one])
  return b.op('Mul', [b.op('Mul', [y, gate]), half])
}

/** The layer three times by Loop, or along the tokens by Scan. */
function repeated(kind: 'Loop' | 'Scan'): Graph {
  const b = new GraphBuilder(kind)
  const x = b.input('x', 'float32', ['batch', 'tokens', 4])
  const weight = b.constant(float32Tensor(numbers(16), [4, 4]))
  const body = new GraphBuilder('body')
  if (kind === 'Loop') {
    body.input('turn', 'int64', [])
    const goes = body.input('goes', 'bool', [])
    const state = body.input('state', 'float32', ['batch', 'tokens', 4])
    body.output('goes_on', body.op('Identity', [goes]))
    body.output('next', body.op('Add', [layer(body, state, weight), body.op('Identity', [x])]))
    const turns = b.constant(int64Tensor([3], []))
    const yes = b.constant(inlineTensor('bool', [], Uint8Array.of(1)))
    const attributes = { body: graphAttribute(body.build()) }
    b.output('y', b.op('Neg', [b.op('Loop', [turns, yes, x], attributes)]))
    return b.build()
  }
  const state = body.input('state', 'float32', ['batch', 4])
  const token = body.input('token', 'float32', ['batch', 4])
  const next = layer(body, body.op('Add', [state, token]), weight)
  body.output('next', next)
  body.output('read', body.op('Identity', [next]))
  const attributes = {
    body: graphAttribute(body.build()),
    num_scan_inputs: int(1),
    scan_input_axes: ints([1]),
    scan_output_axes: ints([1]),
  }
  const first = b.op('Gather', [x, b.constant(int64Tensor([0], []))], { axis: int(1) })
  const [last, all] = b.ops('Scan', [first, x], 2, attributes)
  b.output('y', last!)
  b.output('z', all!)
  return b.build()
}

it.each(['Loop', 'Scan'] as const)('the body of a %s is raised', async (kind) => {
  const graph = repeated(kind)
  const reader = tensorReader()
  const raised = runPasses(graph, raise(reader.read)).graph
  const body = subgraphs(raised.nodes.find(({ op }) => op === kind)!)[0]!
  expect([countIn(body, 'Gelu'), countIn(body, 'Erf')]).toEqual([1, 0])
  const low = runPasses(raised, pipeline({ lowering: 'cpu', read: reader.read })).graph
  const inner = subgraphs(low.nodes.find(({ op }) => op === kind)!)[0]!
  expect([countIn(inner, 'Gemm'), countIn(inner, 'MatMul')]).toEqual([1, 0])
  const shape = [2, 3, 4]
  const x: HostTensor = { dtype: 'float32', shape, data: Float32Array.from(numbers(24)) }
  const expected = await outputsOf(onnxBytes(graph, { opset: 24, reader }), { x })
  for (const found of [raised, low]) {
    expectOutputs(await outputsOf(onnxBytes(found, { opset: 24, reader }), { x }), expected, 1e-5)
  }
})
