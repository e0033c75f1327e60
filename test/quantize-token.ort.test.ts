/** Dynamic INT8 per token: a text's result does not depend on its neighbours in the batch; per tensor it does. */
import { expect, it } from 'vitest'
import type { HostTensor } from '../src/graph/data-type.ts'
import { load } from '../src/jobs/load.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { asInt64, maxDifference, runGraph } from './support/tensors.ts'

const model = realData('models/all-minilm-l6-v2')
const text = [101, 2045, 2003, 2019, 3899, 102]
const other = [101, 3185, 2001, 9202, 999, 102]

function feeds(...texts: number[][]): Record<string, HostTensor> {
  const shape = [texts.length, text.length]
  const filled = (value: number) => ({ shape, data: texts.flat().map(() => value) })
  const all = {
    input_ids: { shape, data: texts.flat() },
    attention_mask: filled(1),
    token_type_ids: filled(0),
  }
  return asInt64(all as unknown as Record<string, HostTensor>)
}

describeWith(model, 'INT8 per token', () => {
  const { graph } = load(model)
  const vector = async (batch: Record<string, HostTensor>, quantize: object, lowering = 'cpu') => {
    const scheme = { scheme: 'dynamic-int8', weightBits: 7, ...quantize }
    const options = { lowering, quantize: scheme } as Parameters<typeof runGraph>[2]
    const { sentence_embedding: found } = await runGraph(graph, batch, options)
    return { ...found!, shape: [384], data: (found!.data as Float32Array).slice(0, 384) }
  }

  it.each(['cpu', 'portable'])('%s', async (lowering) => {
    const token = { activations: 'token' }
    const alone = await vector(feeds(text), token, lowering)
    const beside = await vector(feeds(text, other), token, lowering)
    expect(maxDifference(alone, beside)).toBeLessThan(1e-6)
    const tensor = await vector(feeds(text), {}, lowering)
    const tensorBeside = await vector(feeds(text, other), {}, lowering)
    expect(maxDifference(tensor, tensorBeside)).toBeGreaterThan(1e-4)
  })

  it('is nearer to fp32 than per tensor', async () => {
    const exact = (await runGraph(graph, feeds(text), { lowering: 'cpu' })).sentence_embedding!
    const likeness = (found: HostTensor) =>
      (exact.data as Float32Array).reduce((sum, value, i) => sum + value * Number(found.data[i]), 0)
    const token = likeness(await vector(feeds(text), { activations: 'token' }))
    expect(token).toBeGreaterThan(likeness(await vector(feeds(text), {})))
    expect(token).toBeGreaterThan(0.99)
  })
})
