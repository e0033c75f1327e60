/** Every task that a model can be trained for learns, from the files that its users have. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { Checkpoints } from '../src/fit/checkpoints.ts'
import { type TrainingTask, trainingTaskNames } from '../src/fit/training-task.ts'
import { hostArray } from '../src/graph/data-type.ts'
import { inlineValues } from '../src/graph/tensor.ts'
import { nodeFiles } from '../src/hub/node-files.ts'
import { mergeAdapters } from '../src/jobs/train-merge.ts'
import { prepareTraining } from '../src/jobs/train-prepare.ts'
import { runTraining } from '../src/jobs/train-run.ts'
import { trainSettings } from '../src/jobs/train-settings.ts'
import { materialize } from '../src/onnx/materialize.ts'
import { randomFrom } from '../src/stats/random.ts'
import { scratchFolder } from './support/tensors.ts'
import { writeTinyModel } from './support/tiny-model.ts'

const folder = scratchFolder()
const random = randomFrom(3)
const pick = (words: readonly string[]) => words[random.below(words.length)]!
const good = ['great', 'love', 'thank']
const bad = ['broken', 'late', 'wrong']
const plain = ['my', 'order', 'is', 'the', 'account', 'today']
const sentence = (words: readonly string[]) =>
  `${pick(plain)} ${pick(plain)} ${pick(words)} ${pick(plain)}`
const rows = <T>(row: (isGood: boolean) => T): T[] =>
  Array.from({ length: 64 }, () => row(random.below(2) === 1))

interface Case {
  /** Name and text of its file. */
  readonly file: readonly [string, () => string]
  readonly metric: string
  readonly columns?: { readonly label?: string; readonly task?: string }
  readonly labels?: readonly string[]
}

const table = (header: string, row: (isGood: boolean) => readonly unknown[]) => () =>
  `${[header.replaceAll(' ', '\t'), ...rows(row).map((cells) => cells.join('\t'))].join('\n')}\n`
const words = (isGood: boolean) => (isGood ? good : bad)

const cases: Readonly<Record<TrainingTask, Case>> = {
  'text-classification': {
    file: ['one.tsv', table('text label', (yes) => [sentence(words(yes)), Number(yes)])],
    metric: 'accuracy',
    labels: ['LABEL_0', 'LABEL_1'],
  },
  'pair-classification': {
    file: [
      'pair.tsv',
      table('sentence1 sentence2 label', (yes) => [
        sentence(good),
        sentence(words(yes)),
        yes ? 'same' : 'other',
      ]),
    ],
    metric: 'accuracy',
    labels: ['other', 'same'],
  },
  'multi-label-classification': {
    file: [
      'several.tsv',
      table('text labels', (yes) => [sentence(words(yes)), yes ? 'praise|short' : 'short']),
    ],
    columns: { task: 'multi-label-classification' },
    metric: 'exact-match',
    labels: ['praise', 'short'],
  },
  regression: {
    file: ['score.tsv', table('text score', (yes) => [sentence(words(yes)), yes ? 1.5 : 0.25])],
    columns: { task: 'regression' },
    metric: 'pearson',
    labels: ['LABEL_0'],
  },
  'token-classification': {
    file: [
      'tags.conll',
      () =>
        `${rows((yes) => `${pick(plain)} O\n${pick(words(yes))} ${yes ? 'B-good' : 'B-bad'}\n${pick(plain)} O\n`).join('\n')}\n`,
    ],
    metric: 'entity-f1',
    labels: ['B-bad', 'B-good', 'O'],
  },
  'question-answering': {
    file: [
      'squad.json',
      () => {
        const paragraphs = rows((yes) => {
          const answer = pick(words(yes))
          const context = `${pick(plain)} ${pick(plain)} ${answer} ${pick(plain)}`
          const answers = [{ text: answer, answer_start: context.indexOf(answer) }]
          return { context, qas: [{ id: `q${random.next()}`, question: 'how is it?', answers }] }
        })
        return JSON.stringify({ version: '1.1', data: [{ title: 't', paragraphs }] })
      },
    ],
    metric: 'word-f1',
  },
  'fill-mask': {
    file: ['texts.txt', () => `${rows((yes) => sentence(words(yes))).join('\n')}\n`],
    columns: { task: 'fill-mask' },
    metric: 'loss',
  },
  similarity: {
    file: [
      'sts.tsv',
      table('sentence1 sentence2 score', (yes) => [
        sentence(good),
        sentence(words(yes)),
        yes ? 5 : 0.5,
      ]),
    ],
    columns: { task: 'similarity' },
    metric: 'spearman',
  },
  embeddings: {
    file: [
      'partners.tsv',
      table('query document', (yes) => {
        const word = pick(words(yes))
        return [`${pick(plain)} ${word}`, `${word} ${word} ${pick(plain)}`]
      }),
    ],
    columns: { task: 'embeddings' },
    metric: 'loss',
  },
}

let base: string
beforeAll(() => {
  base = writeTinyModel(join(folder, 'base'))
})

it('has a case for each task', () => {
  expect(Object.keys(cases)).toEqual(trainingTaskNames)
})

it.each(trainingTaskNames)('%s', async (task) => {
  const { file, metric, columns, labels } = cases[task]
  const path = join(folder, file[0])
  writeFileSync(path, file[1]())
  const options = { data: { file: path, ...columns }, dev: path, maxLength: 48 }
  const settings = trainSettings({
    ...{ steps: 48, batch: 16, learningRate: 5e-3, dropout: task === 'embeddings' ? 0.1 : 0 },
    ...{ threads: 1, evaluateEvery: 24, accumulate: task === 'regression' ? 2 : 1 },
    ...(task === 'pair-classification' && { ema: 0.9, maxTokens: 128, layerDecay: 0.9 }),
    ...(task === 'fill-mask' && { lora: 4, dropout: 0.1 }),
    ...(task === 'question-answering' && { recompute: true, dropout: 0.1 }),
    ...(task === 'token-classification' && { freeze: ['embeddings.*'], schedule: 'cosine' }),
  })
  const prepared = await prepareTraining(base, options, settings)
  expect(prepared.task).toBe(task)
  if (labels) expect(prepared.model.labels).toEqual(labels)
  const checkpoints = new Checkpoints(join(folder, `${task}.training`), { task })
  const { progress, weights } = await runTraining(prepared, { checkpoints, from: undefined })
  expect(progress.evaluations.map(({ metrics }) => metrics[0]!.name)).toEqual([metric, metric])
  const losses = progress.losses.map(({ loss }) => loss)
  const mean = (some: readonly number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length
  if (task === 'fill-mask') {
    const learned = await mergeAdapters(prepared.lora!, checkpoints.learned(weights), undefined)
    const query = 'bert.encoder.layer.1.attention.self.query.weight'
    const [before] = [...prepared.model.graph.weights.values()].filter(
      ({ parameter }) => parameter?.name === query,
    )
    const after = learned.get(query)!
    expect(after.shape).toEqual([32, 32])
    expect(inlineValues(after)).not.toEqual(
      hostArray('float32', materialize(before!.tensor, nodeFiles)),
    )
    expect([...learned.keys()].some((name) => name.includes('lora'))).toBe(false)
  }
  expect(mean(losses.slice(-8))).toBeLessThan(0.8 * mean(losses.slice(0, 8)))
})
