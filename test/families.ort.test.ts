/** BERT's descendants against PyTorch's outputs: every lowering, every kind of mask, and the kernels chosen. */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { load } from '../src/jobs/load.ts'
import { describeWith, fixture } from './support/fixtures.ts'
import { asInt64, expectOutputs, readTensors, runGraph, withPrefix } from './support/tensors.ts'

const lowerings = ['exported', 'portable', 'cpu'] as const
const models = [
  'roberta-sequence-classification',
  'xlm-roberta-token-classification',
  'distilbert-question-answering',
  'distilbert-sequence-classification',
  'electra-sequence-classification',
  'albert-sequence-classification',
]

describeWith(fixture('models'), 'families by fixtures', () => {
  for (const name of models) {
    const files = ['io.safetensors', 'io-masks.safetensors'].filter((file) =>
      existsSync(fixture('models', name, file)),
    )
    for (const file of files) {
      it.each(lowerings)(`${name}, ${file}, %s: within 1e-4`, async (lowering) => {
        const { graph } = load(fixture('models', name))
        const io = readTensors(fixture('models', name, file))
        const feeds = asInt64(withPrefix(io, 'in.'))
        expect(graph.inputs.map((port) => port.name).sort()).toEqual(Object.keys(feeds).sort())
        const outputs = await runGraph(graph, feeds, { lowering })
        expectOutputs(outputs, withPrefix(io, 'out.'), 1e-4)
      })
    }
  }
})
