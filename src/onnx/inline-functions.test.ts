import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { hostArray } from '../graph/data-type.ts'
import { memoryFiles } from './file-access.ts'
import {
  type FunctionProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
} from './generated/onnx-ml.ts'
import { materialize } from './materialize.ts'
import { readOnnx } from './read-onnx.ts'

type FunctionInit = MessageInitShape<typeof FunctionProtoSchema>
type NodeInit = MessageInitShape<typeof NodeProtoSchema>

const opset = [{ domain: '', version: 20n }]
const node = (opType: string, input: string[], output: string[], more: NodeInit = {}) =>
  create(NodeProtoSchema, { opType, input, output, ...more })
const call = (opType: string, input: string[], output: string[], more: NodeInit = {}) =>
  node(opType, input, output, { domain: 'local', ...more })

function read(functions: FunctionInit[], nodes: ReturnType<typeof node>[]) {
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [...opset, { domain: 'local', version: 1n }],
    functions: functions.map((fn) => ({ domain: 'local', opsetImport: opset, ...fn })),
    graph: { name: 'g', input: [{ name: 'x' }], output: [{ name: 'y' }], node: nodes },
  })
  const files = memoryFiles(new Map([['m', toBinary(ModelProtoSchema, model)]]))
  return readOnnx('m', files)
}

const scale: FunctionInit = {
  name: 'Scale',
  input: ['a', 'b'],
  output: ['c'],
  attribute: ['alpha'],
  attributeProto: [{ name: 'axis', type: Kind.INT, i: 1n }],
  node: [
    node('Constant', [], ['t'], {
      attribute: [
        {
          name: 'value',
          type: Kind.TENSOR,
          t: create(TensorProtoSchema, {
            dataType: 1,
            dims: [2n],
            rawData: new Uint8Array(8).fill(64),
          }),
        },
      ],
    }),
    node('LeakyRelu', ['a'], ['s'], {
      name: 'leaky',
      attribute: [{ name: 'alpha', refAttrName: 'alpha', type: Kind.FLOAT }],
    }),
    node('Softmax', ['s'], ['u'], {
      attribute: [{ name: 'axis', refAttrName: 'axis', type: Kind.INT }],
    }),
    node('Where', ['b', 'u', 't'], ['c']),
  ],
}

it('writes calls out with their names, attributes and constants', () => {
  const alpha = { name: 'alpha', type: Kind.FLOAT, f: 0.25 }
  const graph = read(
    [scale],
    [
      call('Scale', ['x', ''], ['h'], { name: 'block/first', attribute: [alpha] }),
      call('Scale', ['h'], ['y']),
    ],
  )
  expect(graph.functions).toBeUndefined()
  expect(graph.nodes.map(({ op }) => op)).toEqual([
    ...['LeakyRelu', 'Softmax', 'Where'],
    ...['LeakyRelu', 'Softmax', 'Where'],
  ])
  expect(graph.nodes[0]).toMatchObject({
    inputs: [{ name: 'x' }],
    attributes: { alpha: { type: 'float', value: 0.25 } },
    origin: 'block.first',
    domain: '',
  })
  expect(graph.nodes[1]?.attributes).toEqual({ axis: { type: 'int', value: 1 } })
  expect(graph.nodes[2]?.inputs[0]).toBeUndefined()
  expect(graph.nodes[3]?.attributes).toEqual({})
  expect(graph.nodes[2]?.outputs[0]).toBe(graph.nodes[3]?.inputs[0])
  const constants = [...graph.weights.values()].map(({ tensor }) => materialize(tensor))
  expect(constants.map((bytes) => [...hostArray('float32', bytes)])).toEqual([
    [3.0039215087890625, 3.0039215087890625],
    [3.0039215087890625, 3.0039215087890625],
  ])
})

it('writes out functions in functions, and in branches', () => {
  const twice: FunctionInit = {
    name: 'Twice',
    input: ['a'],
    output: ['c'],
    node: [call('Scale', ['a', ''], ['b']), call('Scale', ['b', ''], ['c'])],
  }
  const passing: FunctionInit = { name: 'Same', input: ['a'], output: ['a'] }
  const branch = (name: string) => ({
    name,
    type: Kind.GRAPH,
    g: { name, node: [call('Twice', ['x'], [`${name}.y`])], output: [{ name: `${name}.y` }] },
  })
  const graph = read(
    [scale, twice, passing],
    [
      call('Same', ['x'], ['same']),
      node('If', ['same'], ['y'], { attribute: [branch('then_branch'), branch('else_branch')] }),
    ],
  )
  expect(graph.nodes.map(({ op }) => op)).toEqual(['Identity', 'If'])
  const branches = Object.values(graph.nodes[1]!.attributes)
  expect(branches.map(({ value }) => (value as typeof graph).nodes.length)).toEqual([6, 6])
})

it('refuses functions that call themselves or give too much', () => {
  const loop: FunctionInit = {
    name: 'Loop0',
    input: ['a'],
    output: ['b'],
    node: [call('Loop0', ['a'], ['b'])],
  }
  expect(() => read([loop], [call('Loop0', ['x'], ['y'])])).toThrow(
    "m: function 'Loop0' calls itself, or nests too deep.",
  )
  const doubling = Array.from(
    { length: 40 },
    (_, i): FunctionInit => ({
      name: `F${i}`,
      input: ['a'],
      output: ['c'],
      node: [call(`F${i + 1}`, ['a'], ['b']), call(`F${i + 1}`, ['b'], ['c'])],
    }),
  )
  expect(() => read(doubling, [call('F0', ['x'], ['y'])])).toThrow('over 500000 nodes')
})

it('keeps a function of another opset as a call', () => {
  const other = { ...scale, opsetImport: [{ domain: '', version: 13n }] }
  const graph = read([other], [call('Scale', ['x', ''], ['y'])])
  expect(graph.nodes.map(({ op, domain }) => [domain, op])).toEqual([['local', 'Scale']])
  expect(graph.functions).toHaveLength(1)
})
