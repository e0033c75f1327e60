/** The bert family against PyTorch's outputs: every head, every lowering, every kind of mask. */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
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
    // of three texts, a coding a little better may be a little worse by chance
    const texts = 24
    const ids = Array.from({ length: texts * 20 }, (_, i) => 1000 + ((i * 7919) % 20000))
    const feed = (values: readonly number[]) => ({
      dtype: 'int64' as const,
      shape: [texts, 20],
      data: BigInt64Array.from(values, BigInt),
    })
    const feeds = {
      input_ids: feed(ids),
      attention_mask: feed(ids.map((_, i) => (i % 20 < 20 - 5 * (Math.floor(i / 20) % 3) ? 1 : 0))),
      token_type_ids: feed(ids.map(() => 0)),
    }
    const embed = async (options: Parameters<typeof runGraph>[2]) =>
      (await runGraph(graph, feeds, options)).sentence_embedding!
    const quantize = { scheme: 'dynamic-int8', weightBits: 7 } as const
    const fp32 = await embed({ lowering: 'exported' })
    const portable = await embed({ lowering: 'portable', quantize })
    const cpu = await embed({ lowering: 'cpu', quantize })
    const part = ({ data }: HostTensor, text: number): HostTensor => ({
      ...{ dtype: 'float32', shape: [384] },
      data: (data as Float32Array).subarray(text * 384, (text + 1) * 384),
    })
    for (const found of [portable, cpu]) {
      const largest = Array.from({ length: texts }, (_, i) =>
        maxDifference(part(found, i), part(fp32, i)),
      )
      expect(largest.reduce((sum, each) => sum + each) / texts).toBeLessThan(0.025)
    }
    expect(maxDifference(portable, fp32)).toBeGreaterThan(0)
    expect(maxDifference(cpu, portable)).toBeLessThan(0.02)
  })
})
