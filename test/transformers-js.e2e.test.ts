/**
 * A folder that `optimize` wrote is loaded by Transformers.js unchanged, under its default file names, and
 * gives the answers that Limbeck gives.
 */
import { join, resolve } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { beforeAll, describe, expect, it } from 'vitest'
import { quantize } from '../src/jobs/export-model.ts'
import { optimize } from '../src/jobs/optimize.ts'
import { run } from '../src/jobs/run.ts'
import { scratchFolder } from './support/tensors.ts'

const example = resolve(import.meta.dirname, '../examples/support-desk')
const texts = [
  'where is my parcel, it was due on monday',
  'I was charged twice for the same order!',
  'how do i change the email on my account',
]

describe('a folder for Transformers.js', () => {
  const folder = join(scratchFolder(), 'support-desk')

  beforeAll(async () => {
    env.allowRemoteModels = false
    await optimize({
      model: example,
      data: { file: join(example, 'test.tsv'), text: 'text', label: 'label', limit: 64 },
      output: folder,
      shapes: '1x16',
      seconds: 0.5,
    })
  })

  it.each([
    ['fp32', 'model'],
    ['q8', 'model_quantized'],
  ] as const)('%s is %s.onnx', async (dtype, variant) => {
    const classify = await pipeline('text-classification', folder, { dtype })
    for (const text of texts) {
      const [theirs] = (await classify(text)) as { label: string; score: number }[]
      const { answer } = await run({ model: folder, variant, text })
      const ours = answer.kind === 'labels' ? answer.labels[0]! : undefined
      expect(theirs!.label).toBe(ours!.label)
      expect(theirs!.score).toBeCloseTo(ours!.score, 3)
    }
    await classify.dispose()
  })

  it('finds the CPU files by base name', async () => {
    const classify = await pipeline('text-classification', folder, {
      dtype: 'q8',
      model_file_name: 'model_cpu',
    })
    const [theirs] = (await classify(texts[0]!)) as { label: string }[]
    const { answer } = await run({ model: folder, variant: 'model_cpu_quantized', text: texts[0]! })
    expect(answer.kind === 'labels' && answer.labels[0]!.label).toBe(theirs!.label)
    await classify.dispose()
  })

  it.each([
    ['q4', 'int4', 'model_q4'],
    ['int8', 'int8-weights', 'model_int8'],
    ['fp16', 'fp16', 'model_fp16'],
  ] as const)('%s is what --scheme %s writes', async (dtype, scheme, variant) => {
    const output = join(scratchFolder(), scheme)
    await quantize({ model: example, output, scheme, targets: ['portable'] })
    const classify = await pipeline('text-classification', output, { dtype })
    for (const text of texts) {
      const [theirs] = (await classify(text)) as { label: string; score: number }[]
      const { answer } = await run({ model: output, variant, text })
      const ours = answer.kind === 'labels' ? answer.labels[0]! : undefined
      expect(theirs!.label).toBe(ours!.label)
      expect(theirs!.score).toBeCloseTo(ours!.score, 3)
    }
    await classify.dispose()
  })
})
