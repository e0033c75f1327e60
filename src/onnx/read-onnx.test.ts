import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import { hostArray } from '../graph/data-type.ts'
import { capturedValues, type Graph, subgraphs } from '../graph/graph.ts'
import { memoryFiles } from './file-access.ts'
import {
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
} from './generated/onnx-ml.ts'
import { materialize } from './materialize.ts'
import { readOnnx, readOnnxBytes } from './read-onnx.ts'
import { onnxBytes } from './write-onnx.ts'

type NodeInit = MessageInitShape<typeof NodeProtoSchema>
type TensorInit = MessageInitShape<typeof TensorProtoSchema>
type GraphInit = MessageInitShape<typeof GraphProtoSchema>

const node = (opType: string, input: string[], output: string[], more: NodeInit = {}) =>
  create(NodeProtoSchema, { opType, input, output, ...more })
const graph = (init: GraphInit) => create(GraphProtoSchema, { name: 'g', ...init })
const bytesOf = (init: GraphInit, more: MessageInitShape<typeof ModelProtoSchema> = {}) =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: graph(init),
      ...more,
    }),
  )
const read = (init: GraphInit): Graph => readOnnxBytes(bytesOf(init))
const names = (found: Graph) =>
  found.nodes.map(({ op, inputs, outputs }) =>
    [op, ...inputs, ...outputs].map((x) => (typeof x === 'string' ? x : x?.name)),
  )

describe('data flow', () => {
  const x = { name: 'x' }

  it('is sorted where the file is not', () => {
    const found = read({
      input: [x],
      output: [{ name: 'c' }],
      node: [node('Neg', ['b'], ['c']), node('Relu', ['a'], ['b']), node('Abs', ['x'], ['a'])],
    })
    expect(names(found)).toEqual([
      ['Abs', 'x', 'a'],
      ['Relu', 'a', 'b'],
      ['Neg', 'b', 'c'],
    ])
  })

  it.each([
    [
      [node('Relu', ['nowhere'], ['y'], { name: 'r' })],
      "model: graph 'g': node Relu 'r' reads 'nowhere', which nothing gives.",
    ],
    [[node('Relu', ['x'], ['z'])], "model: graph 'g': no node gives its output 'y'."],
    [
      [node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'])],
      "model: graph 'g': value 'y' is given by two nodes.",
    ],
    [[node('RandomNormal', [], ['x'])], "value 'x' is given twice."],
    [
      [node('Add', ['x', 'z'], ['y'], { name: 'a' }), node('Neg', ['y'], ['z'], { name: 'n' })],
      "node 'a' depends on itself.",
    ],
  ])('%# is refused', (nodes, message) => {
    const init = { input: [x], output: [{ name: 'y' }], node: nodes }
    expect(() => read(init)).toThrow(message)
  })

  it('of 20,000 nodes back to front is sorted at once', () => {
    const count = 20_000
    const nodes = Array.from({ length: count }, (_, i) =>
      node('Neg', [i === count - 1 ? 'x' : `v${i + 1}`], [`v${i}`]),
    )
    const spent = cpuClock()
    const found = read({ input: [x], output: [{ name: 'v0' }], node: nodes })
    expect(found.nodes.at(-1)?.outputs[0]?.name).toBe('v0')
    expect(spent()).toBeLessThan(3000)
  })
})

describe('tensors', () => {
  const tensorOf = (init: TensorInit) =>
    [
      ...read({
        initializer: [create(TensorProtoSchema, { name: 't', ...init })],
      }).weights.values(),
    ][0]!.tensor
  const valuesOf = (init: TensorInit) => {
    const tensor = tensorOf(init)
    return [...hostArray(tensor.dtype, materialize(tensor))]
  }

  it.each([
    [{ dataType: 1, dims: [2n], floatData: [1.5, -2] }, [1.5, -2]],
    [{ dataType: 7, dims: [2n], int64Data: [1n, -2n] }, [1n, -2n]],
    [{ dataType: 6, dims: [2n], int32Data: [1, -2] }, [1, -2]],
    [{ dataType: 3, dims: [2n], int32Data: [1, -2] }, [1, -2]],
    [{ dataType: 2, dims: [], int32Data: [200] }, [200]],
    [{ dataType: 9, dims: [2n], int32Data: [1, 0] }, [1, 0]],
    [{ dataType: 10, dims: [1n], int32Data: [0x3c00] }, [0x3c00]],
    [{ dataType: 11, dims: [1n], doubleData: [0.1] }, [0.1]],
    [{ dataType: 12, dims: [1n], uint64Data: [4294967295n] }, [4294967295]],
    [{ dataType: 13, dims: [1n], uint64Data: [2n ** 63n] }, [2n ** 63n]],
    [{ dataType: 22, dims: [3n], int32Data: [0x21, 0x03] }, [0x21, 0x03]],
    [{ dataType: 1, dims: [0n] }, []],
    [{ dataType: 6, dims: [1n], rawData: Uint8Array.of(1, 1, 0, 0) }, [257]],
  ] satisfies [TensorInit, unknown[]][])('%#: typed and raw data', (init, expected) => {
    expect(valuesOf(init)).toEqual(expected)
  })

  it('of strings keep their bytes', () => {
    const values = [Uint8Array.of(97), Uint8Array.of(0xff)]
    expect(tensorOf({ dataType: 8, dims: [2n], stringData: values }).source).toEqual({
      kind: 'strings',
      values,
    })
  })

  it.each([
    [{ dataType: 1, dims: [3n], floatData: [1] }, "tensor 't': [3]: expected 3 values, got 1."],
    [
      { dataType: 1, dims: [3n], rawData: new Uint8Array(11) },
      "model: tensor 't': [3]: expected 12 bytes, got 11.",
    ],
    [{ dataType: 99, dims: [1n] }, "tensor 't': its element type 99 is unknown."],
    [{ dataType: 1, dims: [-1n] }, "tensor 't': its size -1."],
    [{ dataType: 1, dims: [2n ** 40n, 2n ** 40n] }, "tensor 't': its shape [1099511627776,"],
    [{ dataType: 8, dims: [2n], stringData: [] }, 'expected 2 strings, got 0.'],
  ] satisfies [TensorInit, string][])('%#: broken data is refused', (init, message) => {
    expect(() => tensorOf(init)).toThrow(message)
  })

  it('of a file stay in it when they are large, inside attributes too', () => {
    const large = create(TensorProtoSchema, {
      name: 'large',
      dataType: 2,
      dims: [5000n],
      rawData: new Uint8Array(5000).fill(7),
    })
    const small = create(TensorProtoSchema, {
      name: 'small',
      dataType: 2,
      dims: [1n],
      rawData: Uint8Array.of(3),
    })
    const constant = node('Constant', [], ['c'], {
      attribute: [{ name: 'value', type: Kind.TENSOR, t: large }],
    })
    const bytes = bytesOf({
      node: [constant, node('Neg', ['c'], ['y'])],
      initializer: [small, large],
    })
    const files = memoryFiles(new Map([['m.onnx', bytes]]))
    const tensors = [...readOnnx('m.onnx', files).weights.values()].map(({ tensor }) => tensor)
    expect(tensors.map(({ source }) => source.kind)).toEqual(['inline', 'file', 'file'])
    for (const tensor of tensors.slice(1)) {
      expect(materialize(tensor, files)).toEqual(new Uint8Array(5000).fill(7))
    }
    const views = [...readOnnxBytes(bytes).weights.values()].map(({ tensor }) => tensor.source)
    expect(
      views.map((source) => source.kind === 'inline' && source.bytes.buffer === bytes.buffer),
    ).toEqual([true, true, true])
  })
})

describe('external data', () => {
  const at = (location: string, more: Record<string, string> = {}) => {
    const keys = Object.entries({ location, ...more }).map(([key, value]) => ({ key, value }))
    const tensor = create(TensorProtoSchema, {
      name: 't',
      dataType: 1,
      dims: [2n],
      dataLocation: 1,
      externalData: keys,
    })
    return bytesOf({ initializer: [tensor] })
  }
  const readWith = (model: Uint8Array, links: Record<string, string> = {}) => {
    const files = memoryFiles(
      new Map([
        ['/m/model.onnx', model],
        ['/m/data', new Uint8Array(16)],
        ['/m/sub/data', new Uint8Array(8)],
      ]),
    )
    return readOnnx('/m/model.onnx', { ...files, realpath: (path) => links[path] ?? path })
  }

  it('is a place in a file of the folder', () => {
    const weights = readWith(at('data', { offset: '8', length: '8' })).weights
    expect([...weights.values()][0]?.tensor.source).toEqual({
      kind: 'file',
      path: '/m/data',
      offset: 8,
      length: 8,
    })
    expect(() => readWith(at('sub/data'))).not.toThrow()
  })

  it('may stand beside the file that a linked model points to', () => {
    const links = { '/m/model.onnx': '/blobs/1', '/m/data': '/blobs/2' }
    expect(() => readWith(at('data'), links)).not.toThrow()
  })

  it.each([
    [
      '../data',
      {},
      "tensor 't': expected external data in the folder of the model, got '../data'.",
    ],
    ['/m/data', {}, 'expected external data in the folder'],
    ['sub/../../data', {}, 'expected external data in the folder'],
    ['C:\\data', {}, 'expected external data in the folder'],
    ['', {}, 'expected external data in the folder'],
    ['missing', {}, "/m/model.onnx: tensor 't': its external data missing is missing."],
    ['data', { offset: '12' }, 'its external data data: expected at least 20 bytes, got 16.'],
    ['data', { length: '4' }, 'expected 8 bytes of external data, got 4.'],
    ['data', { offset: '-1' }, "expected a number of bytes as its offset, got '-1'."],
  ])('%s %j is refused', (location, more, message) => {
    expect(() => readWith(at(location, more))).toThrow(message)
  })

  it('is refused through a link out of the folder, and in memory', () => {
    expect(() => readWith(at('data'), { '/m/data': '/etc/data' })).toThrow(
      'its external data data is a link out of the folder of the model.',
    )
    expect(() => readWith(at('data'), { '/m/data': '/more/data' })).toThrow('is a link out')
    expect(() => readOnnxBytes(at('data'))).toThrow('but the model was read from memory.')
  })
})

describe('what we do not know', () => {
  const branch = (name: string, op: string) => ({
    name,
    type: Kind.GRAPH,
    g: graph({ node: [node(op, ['outer'], [`${name}.y`])], output: [{ name: `${name}.y` }] }),
  })
  const opaque = [
    {
      name: 'type',
      type: Kind.TYPE_PROTO,
      tp: { value: { case: 'sequenceType' as const, value: {} } },
    },
    { name: 'bytes', type: Kind.STRING, s: Uint8Array.of(0xff, 0xfe) },
  ]
  const init: GraphInit = {
    input: [{ name: 'x' }, { name: 'c' }],
    output: [{ name: 'y' }],
    node: [
      node('Relu', ['x'], ['outer']),
      node('If', ['c'], ['picked'], {
        attribute: [branch('then_branch', 'Neg'), branch('else_branch', 'Abs')],
      }),
      node('Mystery', ['picked', '', 'outer'], ['', 'y'], { domain: 'acme', attribute: opaque }),
    ],
  }
  const model = bytesOf(init, {
    opsetImport: [
      { domain: 'ai.onnx', version: 17n },
      { domain: 'acme', version: 3n },
    ],
    metadataProps: [{ key: 'k', value: 'v' }],
    functions: [{ name: 'F', domain: 'acme', opsetImport: [{ domain: '', version: 13n }] }],
  })

  it('passes through, captures by identity', () => {
    const found = readOnnxBytes(model)
    const [relu, branches, mystery] = found.nodes
    for (const inner of subgraphs(branches!)) {
      expect(capturedValues(inner)).toEqual([relu!.outputs[0]])
      expect(capturedValues(inner)[0]).toBe(relu!.outputs[0])
    }
    expect(mystery?.inputs[1]).toBeUndefined()
    expect(mystery?.outputs[0]).toBeUndefined()
    expect([...found.opsets]).toEqual([
      ['', 24],
      ['acme', 3],
    ])
    expect(found.metadata.get('k')).toBe('v')
  })

  it('is written as it was read', () => {
    const found = readOnnxBytes(model)
    const again = readOnnxBytes(onnxBytes(found, { opset: 17 }))
    expect(again).toEqual(found)
    expect(again.nodes[2]?.attributes.type?.type).toBe('opaque')
    expect(again.functions).toHaveLength(1)
  })
})

it('refuses what is no model, too old or too new', () => {
  const withOpset = (version: bigint) => bytesOf({}, { opsetImport: [{ domain: '', version }] })
  expect(() => readOnnxBytes(new Uint8Array())).toThrow('it holds no graph')
  expect(() => readOnnxBytes(Uint8Array.of(1, 2, 3), 'a.onnx')).toThrow('a.onnx: ')
  expect(() => readOnnxBytes(withOpset(6n))).toThrow(
    'model: expected opset 7 to 25 of ai.onnx, got 6.',
  )
  expect(() => readOnnxBytes(withOpset(99n))).toThrow('got 99')
  const sparse = { sparseInitializer: [{ values: { name: 's' } }] }
  expect(() => read(sparse)).toThrow("sparse initializer 's' is not supported.")
})

it('takes an input that is an initializer too (IR version 3) as a constant', () => {
  const w = create(TensorProtoSchema, { name: 'w', dataType: 1, floatData: [2] })
  const found = read({
    input: [{ name: 'x' }, { name: 'w' }],
    initializer: [w],
    node: [node('Mul', ['x', 'w'], ['y'])],
    output: [{ name: 'y' }],
  })
  expect(found.inputs.map(({ name }) => name)).toEqual(['x'])
  expect(found.weights.size).toBe(1)
})
