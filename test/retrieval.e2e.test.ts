/** Retrieval over STS-B with all-MiniLM-L6-v2, and rankings of a cross-encoder, through eval and optimize. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluateMetrics } from '../src/data/metrics.ts'
import { rankOf } from '../src/data/ranking-scores.ts'
import { type EvaluationResult, evaluate } from '../src/jobs/evaluate.ts'
import { exportModel } from '../src/jobs/export-model.ts'
import { optimize } from '../src/jobs/optimize.ts'
import { run } from '../src/jobs/run.ts'
import { example } from './support/command.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { namedLabels, writeRandomHead } from './support/random-head.ts'
import { scratchFolder } from './support/tensors.ts'

const scratch = scratchFolder()

/** Rows of a file of queries, documents and relevances. */
function writeRows(name: string, rows: readonly (readonly [string, string, number])[]): string {
  const file = join(scratch, name)
  const lines = rows.map((row) => row.join('\t'))
  writeFileSync(file, `${['query\tdocument\trelevance', ...lines].join('\n')}\n`)
  return file
}

const columns = { text: 'query', textPair: 'document', label: 'relevance' }

const valuesOf = ({ metrics }: EvaluationResult) =>
  Object.fromEntries(metrics.map(({ name, value }) => [name, value]))

const embedder = realData('models/all-minilm-l6-v2')

describeWith(embedder, 'retrieval over STS-B', () => {
  const output = join(scratch, 'embedder')
  let file: string

  // each pair of score 4 or more is a query and its document, among all second sentences
  beforeAll(async () => {
    const pairs = readFileSync(realData('text/stsb/original/sts-test.tsv'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
    file = writeRows(
      'sts.tsv',
      pairs.map((cells) => {
        const isRelevant = Number(cells[4]) >= 4
        return [isRelevant ? cells[5]! : '', cells[6]!, Number(isRelevant)] as const
      }),
    )
    await exportModel({ model: embedder, output })
  })

  it('has the scores of PyTorch and trec_eval', async () => {
    const data = { file, task: 'retrieval', ...columns }
    const result = await evaluate({ model: output, variant: 'model_cpu', data })
    expect([result.task, result.n, result.truncated]).toEqual(['retrieval', 309, 0])
    // vectors by transformers 5.24 (fp32, mean of the tokens), rankings by trec_eval (pytrec_eval 0.5.11)
    const reference = {
      'ndcg@10': 0.944268371205849,
      'mrr@10': 0.9305285868392663,
      map: 0.9256446302012458,
      'recall@10': 0.9916396979503774,
      'recall@100': 0.9989212513484357,
    }
    const values = valuesOf(result)
    expect(Object.keys(values)).toEqual(Object.keys(reference))
    for (const [name, value] of Object.entries(reference)) {
      expect(values[name], name).toBeCloseTo(value, 6)
    }
    for (const { value, interval } of result.metrics) {
      expect(interval.low).toBeLessThan(value)
      expect(interval.high).toBeGreaterThan(value)
      expect(interval.high - interval.low).toBeLessThan(0.08)
    }
  })

  it('is what optimize judges by, query by query', async () => {
    const { report } = await optimize({
      model: embedder,
      output: join(scratch, 'optimized'),
      data: { file, task: 'retrieval', limit: 60, ...columns },
      seconds: 0.2,
      shapes: '1x16',
      maxDrop: '10%',
    })
    const [source, ...variants] = report.variants
    expect(source!.quality!.name).toBe('ndcg@10')
    expect(report.data.rows).toBe(source!.quality!.n)
    for (const { name, acceptance, quality } of variants) {
      expect(quality!.n).toBe(source!.quality!.n)
      expect(acceptance!.n).toBe(source!.quality!.n)
      if (name.startsWith('fp32')) expect(acceptance!.drop).toBeCloseTo(0, 3)
      expect(acceptance!.verdict, name).not.toBe('rejected')
    }
  })

  it('ranks the same documents as run', async () => {
    const documents = ['A cat sits.', 'Shares fell sharply.', 'A kitten is sitting down.', 'Rain.']
    const rows = documents.map((text, i) => ['A cat is sitting.', text, i % 2] as const)
    const data = { file: writeRows('few.tsv', rows), task: 'reranking', ...columns }
    const result = await evaluate({ model: output, variant: 'model', data })
    const { answer } = await run({ model: output, text: 'A cat is sitting.', documents })
    if (answer.kind !== 'ranking') throw new Error(answer.kind)
    const first = answer.documents.find(({ index }) => index % 2 === 1)!
    expect(valuesOf(result)['mrr@10']).toBeCloseTo(1 / first.rank, 12)
  })
})

describe('a cross-encoder', () => {
  const model = join(scratch, 'ranker out')
  const queries = ['where is my parcel?', 'how do I pay?', 'no answer here']
  const documents = [
    'It left us on Monday.',
    'By card or invoice.',
    'Print the label.',
    'We deliver on Saturdays.',
    'Charged twice? Write to us.',
  ]
  const relevance = (q: number, d: number) => (q === 2 ? 0 : (d * 7 + q * 3) % 4)
  const rows = queries.flatMap((query, q) =>
    documents.map((document, d) => [query, document, relevance(q, d)] as const),
  )
  beforeAll(async () => {
    const source = writeRandomHead(example, join(scratch, 'ranker'), {
      config: { ...namedLabels(['LABEL_0']), problem_type: undefined },
      draw: { 'classifier.weight': [1, 256], 'classifier.bias': [1] },
      seed: 13,
    })
    await exportModel({ model: source, output: model, targets: ['portable'], verify: false })
  })

  it('is judged by the order that run gives each query', async () => {
    const data = { file: writeRows('pairs.tsv', rows), task: 'reranking', ...columns }
    const result = await evaluate({ model, data })
    expect([result.task, result.n]).toEqual(['reranking', 3])
    const scores = await Promise.all(
      queries.map(async (text) => {
        const { answer } = await run({ model, text, documents })
        if (answer.kind !== 'ranking') throw new Error(answer.kind)
        const byIndex = answer.documents.toSorted((a, b) => a.index - b.index)
        return byIndex.map(({ score }) => score)
      }),
    )
    const relevant = queries.map((_, q) =>
      documents.flatMap((__, d) => (relevance(q, d) > 0 ? [d] : [])),
    )
    const expected = evaluateMetrics(
      'reranking',
      relevant.map((found, q) => found.map((d) => rankOf(d, scores[q]!))),
      relevant.map((found, q) => found.map((d) => relevance(q, d))),
    )
    expect(result.metrics.map(({ name, value }) => [name, value])).toEqual(
      expected.map(({ name, value }) => [name, value]),
    )
  })

  it('what does not fit is refused', async () => {
    const file = writeRows('bad.tsv', rows)
    const data = { file, task: 'retrieval', ...columns }
    await expect(evaluate({ model, data })).rejects.toThrow(
      /--task retrieval does not fit a sequence-classification model/,
    )
    const classifier = { ...data, task: 'reranking' }
    await expect(evaluate({ model: example, data: classifier })).rejects.toThrow(
      /ranking needs a cross-encoder with one label/,
    )
    const nobody = writeRows('nobody.tsv', [[' ', 'a document', 1]])
    await expect(evaluate({ model, data: { ...classifier, file: nobody } })).rejects.toThrow(
      /nobody.tsv: expected rows with a query, found none/,
    )
    const word = writeRows('word.tsv', [['q', 'd', 'high' as unknown as number]])
    await expect(evaluate({ model, data: { ...classifier, file: word } })).rejects.toThrow(
      /word.tsv:2: expected a number, got 'high'/,
    )
  })
})
