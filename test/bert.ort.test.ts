/** The bert family against PyTorch's outputs: every head, every lowering, every kind of mask. */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { load } from '../src/jobs/load.ts'
import { describeWith, fixture, realData } from './support/fixtures.ts'
import {
  asInt64,
  expectOutputs,
  maxDifference,
  readTensors,
  runGraph,
  withPrefix,
} from './support/tensors.ts'

const lowerings = ['exported', 'portable', 'cpu'] as const
const models = [
  'bert-model',
  'bert-sequence-classification',
  'bert-token-classification',
  'bert-question-answering',
  'bert-masked-lm',
]

describeWith(fixture('models'), 'bert fixtures', () => {
  for (const name of models) {
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
  }
})

describeWith(realData('models/all-minilm-l6-v2'), 'all-MiniLM-L6-v2', () => {
  it('INT8 in both lowerings stays near fp32, and they near each other', async () => {
    const { graph } = load(realData('models/all-minilm-l6-v2'))
    const ids = Array.from({ length: 3 * 20 }, (_, i) => 1000 + ((i * 7919) % 20000))
    const feed = (values: readonly number[]) => ({
      dtype: 'int64' as const,
      shape: [3, 20],
      data: BigInt64Array.from(values, BigInt),
    })
    const feeds = {
      input_ids: feed(ids),
      attention_mask: feed(ids.map((_, i) => (i % 20 < 20 - 5 * Math.floor(i / 20) ? 1 : 0))),
      token_type_ids: feed(ids.map(() => 0)),
    }
    const embed = async (options: Parameters<typeof runGraph>[2]) =>
      (await runGraph(graph, feeds, options)).sentence_embedding!
    const quantize = { scheme: 'dynamic-int8', weightBits: 7 } as const
    const fp32 = await embed({ lowering: 'exported' })
    const portable = await embed({ lowering: 'portable', quantize })
    const cpu = await embed({ lowering: 'cpu', quantize })
    expect(maxDifference(portable, fp32)).toBeLessThan(0.03)
    expect(maxDifference(cpu, fp32)).toBeLessThan(0.03)
    expect(maxDifference(portable, fp32)).toBeGreaterThan(0)
    expect(maxDifference(cpu, portable)).toBeLessThan(0.02)
  })
})
