/**
 * Families that place tokens by relative positions, windows, rotation or bottlenecks, against PyTorch's
 * outputs: every lowering, every kind of mask, and how many Attention kernels the CPU lowering reaches.
 */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { nodeFiles } from '../src/hub/node-files.ts'
import { load } from '../src/jobs/load.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { runPasses } from '../src/passes/pass.ts'
import { pipeline } from '../src/passes/pipelines.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { asInt64, expectOutputs, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const lowerings = ['exported', 'portable', 'cpu'] as const

/** Fixtures, their graph inputs and their self-attention modules. */
const models = [
  { name: 'mpnet-model', inputs: ['input_ids', 'attention_mask'], attentions: 2 },
  {
    name: 'modernbert-sequence-classification',
    inputs: ['input_ids', 'attention_mask'],
    attentions: 3,
  },
  {
    name: 'mobilebert-sequence-classification',
    inputs: ['input_ids', 'attention_mask', 'token_type_ids'],
    attentions: 2,
  },
  {
    name: 'deberta-v2-sequence-classification',
    inputs: ['input_ids', 'attention_mask'],
    attentions: 2,
  },
]

describeWith(fixture('models'), 'families of relative positions', () => {
  for (const { name, inputs, attentions } of models) {
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

    it(`${name}: inputs as its tokenizer gives them, one kernel an attention`, () => {
      const { graph } = load(fixture('models', name))
      expect(graph.inputs.map((port) => port.name)).toEqual(inputs)
      const { read } = tensorReader(nodeFiles)
      const lowered = runPasses(graph, pipeline({ lowering: 'cpu', read })).graph
      const count = (op: string) => lowered.nodes.filter((node) => node.op === op).length
      expect({ Attention: count('Attention'), Softmax: count('Softmax') }).toEqual({
        Attention: attentions,
        Softmax: 0,
      })
    })
  }
})
