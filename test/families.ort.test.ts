/**
 * BERT's descendants against PyTorch's outputs in every lowering and under every kind of mask, the kernels
 * that the CPU lowering chooses, and INT8 on the same models made four times as wide.
 */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { elementCount, type HostTensor } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { inlineTensor, type Tensor } from '../src/graph/tensor.ts'
import { openModelFolder } from '../src/hub/model-folder.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { buildModel } from '../src/models/build-model.ts'
import type { ModelConfig } from '../src/models/config.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { runPasses } from '../src/passes/pass.ts'
import { type PipelineOptions, pipeline } from '../src/passes/pipelines.ts'
import { randomFrom } from '../src/stats/random.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import {
  asInt64,
  expectOutputs,
  maxDifference,
  readTensors,
  runGraph,
  withPrefix,
} from './support/tensors.ts'

const lowerings = ['exported', 'portable', 'cpu'] as const

/** Linear layers beyond the six of each layer: projection, head, pooler. */
const models = {
  'roberta-sequence-classification': 2,
  'xlm-roberta-token-classification': 1,
  'distilbert-question-answering': 1,
  'distilbert-sequence-classification': 2,
  'electra-sequence-classification': 3,
  'albert-sequence-classification': 3,
}

function lowered(graph: Graph, options: Omit<PipelineOptions, 'read'>) {
  const { read } = tensorReader(nodeFiles)
  const result = runPasses(graph, pipeline({ ...options, read }))
  const count = (op: string) => result.graph.nodes.filter((node) => node.op === op).length
  const hits = (pass: string) =>
    Object.values(result.records.find((record) => record.pass === pass)?.hits ?? {})
  return { ...result, count, hits: (pass: string) => hits(pass).reduce((a, b) => a + b, 0) }
}

/** Model sizes that grow, by what the fixtures have them at. */
const wider: Readonly<Record<number, number>> = { 16: 64, 24: 96, 32: 128, 64: 256 }

/** The fixture's model with wider layers and made-up weights: large enough to be quantized. */
function widened(name: string): Graph {
  const { config, checkpoint } = openModelFolder(fixture('models', name))
  const random = randomFrom(name.length)
  const widen = (tensor: Tensor): Tensor => {
    const shape = tensor.shape.map((dim) => wider[dim] ?? dim)
    const spread = shape.length === 2 ? 0.25 : 0.1
    const values = Float32Array.from(
      { length: elementCount(shape) },
      () => (shape.length === 1 ? 0.5 : 0) + spread * (random.uniform() - 0.5),
    )
    return inlineTensor('float32', shape, values)
  }
  const tensors = [...checkpoint.tensors].map(([key, tensor]) => [key, widen(tensor)] as const)
  const json = Object.entries(config.json).map(([key, value]) => [
    key,
    /size|dim/.test(key) ? (wider[Number(value)] ?? value) : value,
  ])
  const wide: ModelConfig = { ...config, json: Object.fromEntries(json) }
  return buildModel({
    config: wide,
    checkpoint: { ...checkpoint, tensors: new Map(tensors) },
  }).graph
}

/** Largest value less the smallest. */
function spread({ data }: HostTensor): number {
  const values = Array.from(data as Float32Array)
  return Math.max(...values) - Math.min(...values)
}

describeWith(fixture('models'), 'families by fixtures', () => {
  for (const [name, others] of Object.entries(models)) {
    const folder = fixture('models', name)
    const files = ['io.safetensors', 'io-masks.safetensors'].filter((file) =>
      existsSync(fixture('models', name, file)),
    )
    for (const file of files) {
      it.each(lowerings)(`${name}, ${file}, %s: within 1e-4`, async (lowering) => {
        const { graph } = load(folder)
        const io = readTensors(fixture('models', name, file))
        const feeds = asInt64(withPrefix(io, 'in.'))
        expect(graph.inputs.map((port) => port.name).sort()).toEqual(Object.keys(feeds).sort())
        const outputs = await runGraph(graph, feeds, { lowering })
        expectOutputs(outputs, withPrefix(io, 'out.'), 1e-4)
      })
    }

    it(`${name}: one Attention a layer, one Gemm a linear layer, one token at the end`, () => {
      const { graph, dims, task } = load(folder)
      const { count, hits } = lowered(graph, { lowering: 'cpu' })
      expect(count('Attention')).toBe(dims.layers)
      expect(count('Gemm')).toBe(6 * dims.layers + others)
      expect(count('MatMul') + count('Softmax')).toBe(0)
      expect(hits('narrow-tokens') > 0).toBe(task === 'sequence-classification')
    })

    it(`${name}, wide: INT8 in both lowerings stays near fp32`, async () => {
      const graph = widened(name)
      const quantize = { scheme: 'dynamic-int8', weightBits: 7 } as const
      const { count } = lowered(graph, { lowering: 'cpu', quantize })
      // the head's few classes stay in fp32
      expect(count('MatMulIntegerToFloat')).toBe(6 * 2 + others - 1)
      expect(count('Gemm')).toBe(1)
      const feeds = asInt64(withPrefix(readTensors(`${folder}/io.safetensors`), 'in.'))
      const fp32 = await runGraph(graph, feeds, { lowering: 'exported' })
      for (const lowering of ['portable', 'cpu'] as const) {
        const int8 = await runGraph(graph, feeds, { lowering, quantize })
        for (const output of Object.keys(fp32)) {
          const difference = maxDifference(int8[output], fp32[output])
          expect(difference, `${lowering} ${output}`).toBeLessThan(0.03 * spread(fp32[output]!))
          expect(difference, `${lowering} ${output}`).toBeGreaterThan(0)
        }
      }
    })
  }

  it.each(lowerings)('albert, %s: a shared parameter is one weight of the graph', (lowering) => {
    const { graph } = lowered(load(fixture('models', 'albert-sequence-classification')).graph, {
      lowering,
    })
    const names = [...graph.weights.values()].flatMap(({ parameter }) => parameter?.name ?? [])
    expect(new Set(names).size).toBe(names.length)
  })
})
