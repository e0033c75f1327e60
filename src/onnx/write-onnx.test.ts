import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { float, graphAttribute } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph } from '../graph/graph.ts'
import { float32Tensor, type Tensor, transposed } from '../graph/tensor.ts'
import { MemorySink, memoryFiles } from './file-access.ts'
import { ModelProtoSchema } from './generated/onnx-ml.ts'
import { materialize, tensorReader } from './materialize.ts'
import { readOnnx, readOnnxBytes } from './read-onnx.ts'
import { readSafetensors } from './read-safetensors.ts'
import { onnxBytes, writeOnnx } from './write-onnx.ts'
import { writeSafetensors } from './write-safetensors.ts'

const parse = (graph: Graph) => fromBinary(ModelProtoSchema, onnxBytes(graph))
const weight = (rows: number, columns: number): Tensor =>
  float32Tensor(
    Array.from({ length: rows * columns }, (_, i) => i),
    [rows, columns],
  )

/** y = x · wᵀ, with a large and a small weight. */
function linear(tensor = weight(32, 16)): Graph {
  const builder = new GraphBuilder('linear')
  const x = builder.input('x', 'float32', ['batch', 16])
  const w = builder.parameter({ name: 'w' }, tensor)
  const product = builder.scope('lin', () =>
    builder.op('MatMul', [x, builder.constant(transposed(tensor, [1, 0]), 'wt')]),
  )
  builder.output('y', builder.op('Mul', [product, builder.constant(float32Tensor([2]))]))
  builder.output('w out', builder.op('Identity', [w]))
  builder.property('limbeck.recipe', '{}')
  return builder.build()
}

describe('names', () => {
  it('are exact for inputs and outputs, unique for the rest', () => {
    const builder = new GraphBuilder('g')
    const x = builder.input('x', 'float32', [2])
    const first = builder.op('Relu', [x], {}, { name: 'y' })
    const second = builder.op('Relu', [first], {}, { name: 'x' })
    const third = builder.op('Relu', [second], {}, { name: '' })
    builder.output('y', builder.op('Add', [third, builder.constant(float32Tensor([1]), 'y')]))
    const { graph } = parse(builder.build())
    expect(graph?.node.map(({ input, output }) => [...input, ...output])).toEqual([
      ['x', 'y_2'],
      ['y_2', 'x_1'],
      ['x_1', 'value_1'],
      ['value_1', 'y_1', 'y'],
    ])
    expect(graph?.node.map(({ name }) => name)).toEqual(['Relu', 'Relu_1', 'Relu_2', 'Add'])
  })

  it('carry the module path', () => {
    expect(parse(linear()).graph?.node[0]?.name).toBe('lin/MatMul')
    expect(readOnnxBytes(onnxBytes(linear())).nodes[0]?.origin).toBe('lin')
  })

  it('refuse two ports of one name', () => {
    const builder = new GraphBuilder('g')
    const x = builder.input('x', 'float32', [2])
    builder.output('x', builder.op('Relu', [x]))
    expect(() => onnxBytes(builder.build())).toThrow(
      "Graph 'g': expected inputs and outputs with names of their own, got 'x' twice.",
    )
  })
})

describe('outputs', () => {
  it('that are inputs, weights or given twice go through an Identity, typed', () => {
    const builder = new GraphBuilder('g')
    const x = builder.input('x', 'float32', ['n', 2])
    const y = builder.op('Relu', [x])
    const values = { y, again: y, input: x, weight: builder.constant(float32Tensor([1])) }
    for (const [name, value] of Object.entries(values)) builder.output(name, value)
    const { graph } = parse(builder.build())
    expect(graph?.node.map(({ opType, output }) => [opType, ...output])).toEqual([
      ['Relu', 'y'],
      ['Identity', 'again'],
      ['Identity', 'input'],
      ['Identity', 'weight'],
    ])
    expect(graph?.output.map(({ type }) => type?.value.case)).toEqual(
      Array.from({ length: 4 }, () => 'tensorType'),
    )
  })

  it('of a branch that are outer values go through an Identity', () => {
    const builder = new GraphBuilder('g')
    const x = builder.input('x', 'float32', [2])
    const branch = () => {
      const inner = new GraphBuilder('branch')
      inner.output('out', x)
      return graphAttribute(inner.build())
    }
    const condition = builder.input('c', 'bool', [])
    const branches = { then_branch: branch(), else_branch: branch() }
    builder.output('y', builder.op('If', [condition], branches))
    const attributes = parse(builder.build()).graph?.node[0]?.attribute
    expect(attributes?.map(({ g }) => g?.node.map(({ input }) => input))).toEqual([
      [['x']],
      [['x']],
    ])
    expect(attributes?.map(({ g }) => g?.output[0]?.name)).toEqual(['out', 'out_1'])
  })
})

describe('writeOnnx', () => {
  it('gives the same bytes for the same graph', () => {
    expect(onnxBytes(linear())).toEqual(onnxBytes(linear()))
  })

  it('drops weights that nothing reads', () => {
    const graph = linear()
    const unused = { name: 'unused' }
    const weights = new Map([...graph.weights, [unused, { tensor: weight(2, 2) }]])
    expect(onnxBytes({ ...graph, weights })).toEqual(onnxBytes(graph))
  })

  it('takes the IR version of the opset, and metadata', () => {
    const model = parse(linear())
    expect([model.irVersion, model.producerName]).toEqual([11n, 'limbeck'])
    expect(model.metadataProps).toMatchObject([{ key: 'limbeck.recipe', value: '{}' }])
    const old = fromBinary(ModelProtoSchema, onnxBytes(linear(), { opset: 17 }))
    expect(old.irVersion).toBe(8n)
    expect(old.opsetImport).toMatchObject([{ domain: '', version: 17n }])
    expect(() => onnxBytes(linear(), { opset: 16 })).toThrow(
      'Opset 16 cannot be written: expected 17 to 24.',
    )
  })

  it('puts large weights outside, aligned, and reads them back', () => {
    const external = new MemorySink()
    const model = new MemorySink()
    const large = linear(weight(128, 128))
    const result = writeOnnx(large, model, {
      externalData: { location: 'm.onnx_data', open: () => external, when: 'always' },
    })
    expect(result.bytes).toBe(model.bytes().length)
    expect(result.externalBytes).toBe(external.bytes().length)
    const files = memoryFiles(
      new Map([
        ['dir/m.onnx', model.bytes()],
        ['dir/m.onnx_data', external.bytes()],
      ]),
    )
    const read = readOnnx('dir/m.onnx', files)
    const tensors = [...read.weights.values()].map(({ tensor }) => tensor)
    expect(tensors.map(({ source }) => source.kind)).toEqual(['file', 'file', 'inline'])
    for (const { source } of tensors) {
      if (source.kind === 'file') expect(source.offset % 4096).toBe(0)
    }
    const written = [...large.weights.values()].map(({ tensor }) => materialize(tensor))
    tensors.forEach((tensor, i) => {
      expect(Buffer.compare(materialize(tensor, files), written[i]!)).toBe(0)
    })
    const again = onnxBytes(read, { reader: tensorReader(files) })
    expect(Buffer.compare(again, onnxBytes(large))).toBe(0)
  })

  it('keeps small models in one file under auto', () => {
    const open = () => {
      throw new Error('internal: no external data is needed')
    }
    const result = writeOnnx(linear(), new MemorySink(), {
      externalData: { location: 'm.onnx_data', open },
    })
    expect(result.externalBytes).toBe(0)
  })

  it('points into a safetensors file that stands beside it', () => {
    const checkpoint = new MemorySink()
    writeSafetensors(new Map([['w', weight(32, 16)]]), checkpoint)
    const stored = new Map([['dir/model.safetensors', checkpoint.bytes()]])
    const { tensors } = readSafetensors('dir/model.safetensors', memoryFiles(stored))
    const model = new MemorySink()
    writeOnnx(linear(tensors.get('w')), model, {
      reader: tensorReader(memoryFiles(stored)),
      inPlace: (path) => (path === 'dir/model.safetensors' ? 'model.safetensors' : undefined),
    })
    const files = memoryFiles(new Map([...stored, ['dir/m.onnx', model.bytes()]]))
    const read = [...readOnnx('dir/m.onnx', files).weights.values()][0]?.tensor
    expect(read?.source).toMatchObject({ kind: 'file', path: 'dir/model.safetensors' })
    expect(materialize(read!, files)).toEqual(materialize(weight(32, 16)))
  })

  it('keeps symbols, unknown sizes and unknown ranks', () => {
    const builder = new GraphBuilder('g')
    const x = builder.input('x', 'float32', ['batch', null, 3, '2*seq+1'])
    const unranked = { name: 'u', type: { dtype: 'float32' as const } }
    builder.output('y', builder.op('LeakyRelu', [x], { alpha: float(0.5) }))
    const graph = builder.build()
    const inputs = [...graph.inputs, { name: 'u', value: unranked }]
    const read = readOnnxBytes(onnxBytes({ ...graph, inputs }))
    expect(read.inputs.map(({ value }) => value.type)).toEqual(
      inputs.map(({ value }) => value.type),
    )
  })
})
