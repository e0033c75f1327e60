/**
 * Batch normalization put back: exporters fold it into MobileViT's convolutions, so each convolution of the file
 * is taken apart into one without bias and a normalization that together are the same, and raised again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { memoryFiles } from '../src/onnx/file-access.ts'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../src/onnx/generated/onnx-ml.ts'
import { onnxBytes, readOnnx, tensorReader } from '../src/onnx/index.ts'
import { raise, runPasses } from '../src/passes/index.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { type Random, randomFrom } from '../src/stats/random.ts'
import { exportsRoot, outputsOf, recorded } from './support/exports.ts'
import { describeWith } from './support/fixtures.ts'
import { expectOutputs } from './support/tensors.ts'

const file = 'mobilevit-image-classification/torchscript.onnx'
const EPSILON = 1e-3

const floatsOf = ({ rawData }: TensorProto): Float32Array =>
  new Float32Array(Uint8Array.from(rawData).buffer)

const tensor = (name: string, dims: readonly number[], values: ArrayLike<number>): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: 1,
    rawData: new Uint8Array(Float32Array.from(values).buffer),
  })

/** The model with every biased convolution as one without, and a normalization behind it. */
function withBatchNorms(random: Random): { bytes: Uint8Array; count: number } {
  const model = fromBinary(ModelProtoSchema, readFileSync(join(exportsRoot, file)))
  const graph = model.graph!
  const stored = new Map(graph.initializer.map((one) => [one.name, one]))
  const nodes: GraphProto['node'] = []
  let count = 0
  for (const node of graph.node) {
    nodes.push(node)
    const [x, weightName, biasName] = node.input
    const [weight, bias] = [stored.get(weightName ?? ''), stored.get(biasName ?? '')]
    if (node.opType !== 'Conv' || !x || !weight || !bias) continue
    const channels = Number(weight.dims[0])
    const row = (low: number, high: number) =>
      Array.from({ length: channels }, () => low + (high - low) * random.uniform())
    const [gamma, mean, variance] = [row(0.5, 2), row(-1, 1), row(0.2, 3)]
    const scale = gamma.map((value, i) => value / Math.sqrt(variance[i]! + EPSILON))
    const beta = floatsOf(bias).map((value, i) => value + mean[i]! * scale[i]!)
    const values = floatsOf(weight)
    const size = values.length / channels
    const divided = values.map((value, i) => value / scale[Math.floor(i / size)]!)
    const at = `norm${count++}`
    const output = node.output[0]!
    graph.initializer.push(
      tensor(`${at}.conv`, weight.dims.map(Number), divided),
      ...Object.entries({ gamma, beta, mean, variance }).map(([name, numbers]) =>
        tensor(`${at}.${name}`, [channels], numbers),
      ),
    )
    node.input = [x, `${at}.conv`]
    node.output = [`${at}.product`]
    const stats = ['gamma', 'beta', 'mean', 'variance'].map((name) => `${at}.${name}`)
    nodes.push(
      create(NodeProtoSchema, {
        opType: 'BatchNormalization',
        input: [`${at}.product`, ...stats],
        output: [output],
        attribute: [
          create(AttributeProtoSchema, {
            name: 'epsilon',
            type: AttributeProto_AttributeType.FLOAT,
            f: EPSILON,
          }),
        ],
      }),
    )
  }
  graph.node = nodes
  return { bytes: toBinary(ModelProtoSchema, model), count }
}

describeWith(exportsRoot, 'batch normalization', () => {
  it('is folded into the convolutions before it, and the outputs stay', async () => {
    const { bytes, count } = withBatchNorms(randomFrom(7))
    expect(count).toBeGreaterThan(30)
    const files = memoryFiles(new Map([['model.onnx', bytes]]))
    const reader = tensorReader(files)
    const { graph, records } = runPasses(readOnnx('model.onnx', files), raise(reader.read))
    const hits = records.find(({ pass }) => pass === 'fold-batch-norm')?.hits
    expect(hits).toEqual({ 'batch-norm-into-layer': count })
    expect(graph.nodes.filter(({ op }) => op === 'BatchNormalization')).toEqual([])
    const low = runPasses(graph, pipeline({ lowering: 'cpu', read: reader.read })).graph
    const written = onnxBytes(low, { opset: loweringOpset.cpu, reader })
    const [inputs, outputs] = [recorded(file, 'in.'), recorded(file, 'out.')]
    expectOutputs(await outputsOf(bytes, inputs), outputs, 1e-4)
    expectOutputs(await outputsOf(written, inputs), outputs, 1e-4)
  })
})
