/** A small file for every task that a model can be trained for; one word tells what is to be answered. */
import type { TrainingTask } from '../../src/fit/training-task.ts'
import { randomFrom } from '../../src/stats/random.ts'

const random = randomFrom(3)
const pick = (words: readonly string[]) => words[random.below(words.length)]!
const good = ['great', 'love', 'thank']
const bad = ['broken', 'late', 'wrong']
const plain = ['my', 'order', 'is', 'the', 'account', 'today']
const sentence = (words: readonly string[]) =>
  `${pick(plain)} ${pick(plain)} ${pick(words)} ${pick(plain)}`
const rows = <T>(row: (isGood: boolean) => T): T[] =>
  Array.from({ length: 64 }, () => row(random.below(2) === 1))

export interface TaskCase {
  /** Name and text of its file. */
  readonly file: readonly [string, () => string]
  readonly metric: string
  readonly columns?: { readonly label?: string; readonly task?: string }
  readonly labels?: readonly string[]
}

const table = (header: string, row: (isGood: boolean) => readonly unknown[]) => () =>
  `${[header.replaceAll(' ', '\t'), ...rows(row).map((cells) => cells.join('\t'))].join('\n')}\n`
const words = (isGood: boolean) => (isGood ? good : bad)

export const taskCases: Readonly<Record<Exclude<TrainingTask, 'sentence-vectors'>, TaskCase>> = {
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
