/**
 * Families that place tokens by relative positions, windows, rotation or bottlenecks, against PyTorch's
 * outputs: every lowering, every kind of mask, and how many Attention kernels the CPU lowering reaches.
 */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import type { Graph } from '../src/graph/graph.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { PADDING_KEY } from '../src/passes/lower-attention.ts'
import { runPasses } from '../src/passes/pass.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { asInt64, expectOutputs, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const lowerings = ['exported', 'portable', 'cpu'] as const

/** Fixtures, their graph inputs, self-attention modules, turned projections and different masks. */
const models = [
  {
    name: 'mpnet-model',
    inputs: ['input_ids', 'attention_mask'],
    attentions: 2,
    rotations: 0,
    masks: 1,
  },
  {
    name: 'modernbert-sequence-classification',
    inputs: ['input_ids', 'attention_mask'],
    attentions: 3,
    rotations: 6,
    // everything, a window, and the window of the one token that the last layer computes
    masks: 3,
  },
  {
    name: 'mobilebert-sequence-classification',
    inputs: ['input_ids', 'attention_mask', 'token_type_ids'],
    attentions: 2,
    rotations: 0,
    masks: 2,
  },
  {
    name: 'deberta-v2-sequence-classification',
    inputs: ['input_ids', 'attention_mask'],
    attentions: 2,
    rotations: 0,
    masks: 2,
  },
]

describeWith(fixture('models'), 'families of relative positions', () => {
  for (const { name, inputs, attentions, rotations, masks } of models) {
    const files = ['io.safetensors', 'io-masks.safetensors'].filter((file) =>
      existsSync(fixture('models', name, file)),
    )
    for (const file of files) {
      it.each(lowerings)(`${name}, ${file}, %s: within 1e-4`, async (lowering) => {
        const { graph } = load(fixture('models', name))
        const io = readTensors(fixture('models', name, file))
        const feeds = asInt64(withPrefix(io, 'in.'))
        const outputs = await runGraph(graph, feeds, { lowering })
        expectOutputs(outputs, withPrefix(io, 'out.'), 1e-4)
      })
    }

    it(`${name}: right padding as lengths, within 1e-4`, async () => {
      const { graph } = load(fixture('models', name))
      const metadata = new Map([...graph.metadata, [PADDING_KEY, 'right']])
      const io = readTensors(fixture('models', name, 'io.safetensors'))
      const feeds = asInt64(withPrefix(io, 'in.'))
      const outputs = await runGraph({ ...graph, metadata }, feeds, { lowering: 'cpu' })
      expectOutputs(outputs, withPrefix(io, 'out.'), 1e-4)
    })

    it.each([1, 2, 37])(`${name}: lowerings agree on texts of %i tokens`, async (length) => {
      const { graph } = load(fixture('models', name))
      const feeds = textOf(graph, length)
      const [exported, ...lowered] = await Promise.all(
        lowerings.map((lowering) => runGraph(graph, feeds, { lowering })),
      )
      for (const outputs of lowered) expectOutputs(outputs, exported!, 1e-4)
    })

    it(`${name}: inputs as its tokenizer gives them, one kernel an attention`, () => {
      const { graph } = load(fixture('models', name))
      expect(graph.inputs.map((port) => port.name)).toEqual(inputs)
      const { read } = tensorReader(nodeFiles)
      const lowered = runPasses(graph, pipeline({ lowering: 'cpu', read })).graph
      const count = (op: string) => lowered.nodes.filter((node) => node.op === op).length
      expect({
        Attention: count('Attention'),
        Softmax: count('Softmax'),
        RotaryEmbedding: count('RotaryEmbedding'),
      }).toEqual({ Attention: attentions, Softmax: 0, RotaryEmbedding: rotations })
      expect(declaredMasks(lowered)).toBe(masks)
    })
  }
})

/** How many different masks the Attention kernels read: what layers share is computed once. */
function declaredMasks(graph: Graph): number {
  const kernels = graph.nodes.filter((node) => node.op === 'Attention')
  return new Set(kernels.map((node) => node.inputs[3])).size
}

/** Two texts of `length` tokens, the second without its last when there is more than one. */
function textOf(graph: Graph, length: number): Record<string, HostTensor> {
  const values: Readonly<Record<string, (i: number) => number>> = {
    input_ids: (i) => 5 + ((i * 31) % 100),
    attention_mask: (i) => (length > 1 && i === 2 * length - 1 ? 0 : 1),
    token_type_ids: (i) => (i % length < length / 2 ? 0 : 1),
  }
  const feeds = graph.inputs.map(({ name }): [string, HostTensor] => {
    const data = BigInt64Array.from({ length: 2 * length }, (_, i) => BigInt(values[name]!(i)))
    return [name, { dtype: 'int64', shape: [2, length], data }]
  })
  return Object.fromEntries(feeds)
}
