/** Documents ranked by a cross-encoder, beside Transformers.js, and by embeddings; every variant's order. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AutoModelForSequenceClassification, AutoTokenizer, env } from '@huggingface/transformers'
import { beforeAll, describe, expect, it } from 'vitest'
import { optimize } from '../src/jobs/optimize.ts'
import { run } from '../src/jobs/run.ts'
import { runVariants } from '../src/jobs/run-variants.ts'
import { example } from './support/command.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { namedLabels, writeRandomHead } from './support/random-head.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()
const query = 'how do I send it back?'
const documents = [
  'A refund takes five working days.',
  'Print the return label from your account and hand the parcel in at a shop.',
  'You can change your address until the order has left us.',
  'Returns are free within 30 days.',
  'We deliver on Saturdays too.',
  'Returns are free within 30 days.',
]

describe('a cross-encoder', () => {
  const model = join(scratch, 'ranker')
  const output = join(scratch, 'ranker out')
  const file = join(scratch, 'documents.txt')
  beforeAll(async () => {
    env.allowRemoteModels = false
    writeRandomHead(example, model, {
      config: { ...namedLabels(['LABEL_0']), problem_type: undefined },
      draw: { 'classifier.weight': [1, 256], 'classifier.bias': [1] },
      seed: 13,
    })
    writeFileSync(file, `${documents.join('\n')}\n\n`)
    await optimize({ model, output, seconds: 0.2, shapes: '1x16' })
  })

  it('scores are the logits of Transformers.js', async () => {
    const { answer, task } = await run({ model: output, variant: 'model', text: query, documents })
    expect(task).toBe('reranking')
    if (answer.kind !== 'ranking') throw new Error(answer.kind)
    const tokenizer = await AutoTokenizer.from_pretrained(output)
    const theirs = await AutoModelForSequenceClassification.from_pretrained(output, {
      dtype: 'fp32',
    })
    const inputs = tokenizer(
      documents.map(() => query),
      { text_pair: documents, padding: true },
    )
    const { logits } = (await theirs(inputs)) as { logits: { data: Float32Array } }
    await theirs.dispose()
    for (const { index, score, text } of answer.documents) {
      expect(text).toBe(documents[index])
      expect(Math.abs(score - logits.data[index]!)).toBeLessThan(1e-4)
    }
    expect(answer.documents.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6])
    const scores = answer.documents.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    // equal texts: the first given comes first
    const order = answer.documents.map(({ index }) => index)
    expect(order.indexOf(3)).toBeLessThan(order.indexOf(5))
  })

  it('compares the order of every variant over all documents', async () => {
    const runs = await runVariants({ model: output, text: query, documents: file, top: 2 })
    expect(runs).toHaveLength(4)
    expect(runs[0]!.order).toBeUndefined()
    expect(runs[1]!.order!.sameFirst).toBe(true)
    expect(runs[1]!.order!.tau).toBeGreaterThan(0.9)
    for (const { answer, order, ms } of runs) {
      if (answer.kind !== 'ranking') throw new Error(answer.kind)
      expect(answer.documents).toHaveLength(2)
      expect(order?.tau ?? 1).toBeGreaterThan(0)
      expect(ms).toBeGreaterThan(0)
    }
  })

  it('what does not fit is refused', async () => {
    await expect(run({ model: example, text: query, documents })).rejects.toThrow(
      /ranking needs a cross-encoder with one label; the model has 20/,
    )
    await expect(run({ model: output, text: query, task: 'rerank' })).rejects.toThrow(
      /no documents to rank/,
    )
    const missing = join(scratch, 'none.txt')
    await expect(run({ model: output, text: query, documents: missing })).rejects.toThrow(
      /none.txt/,
    )
    await expect(run({ model: output, text: query, documents, task: 'retrieval' })).rejects.toThrow(
      /--task retrieval does not fit a sequence-classification model/,
    )
  })
})

const embedder = realData('models/all-minilm-l6-v2')

describeWith(embedder, 'an embedder', () => {
  it('finds what answers the query', async () => {
    const { answer, task } = await run({ model: embedder, text: query, documents, top: 3 })
    expect(task).toBe('retrieval')
    if (answer.kind !== 'ranking') throw new Error(answer.kind)
    expect(answer.documents).toHaveLength(3)
    // by sentence-transformers' definition: cosines, descending
    expect(answer.documents.map(({ index }) => index).includes(1)).toBe(true)
    for (const { score } of answer.documents) expect(Math.abs(score)).toBeLessThanOrEqual(1)
  })
})
