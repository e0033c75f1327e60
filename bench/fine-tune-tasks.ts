/** Real fine-tuning tasks from all-MiniLM-L6-v2: their data, and the recipe of each as options of `train`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomFrom } from '../src/stats/random.ts'
import { textFolder } from './places.ts'

/** A task: what it learns from, is chosen by and judged on, and its recipe. */
export interface FineTuneTask {
  readonly title: string
  /** Files of a folder to work in, made where the set's own need another form. */
  files(folder: string): { readonly train: string; readonly dev: string; readonly test: string }
  /** Options of `limbeck train` beside files and output. */
  readonly recipe: readonly string[]
  /** Columns of the test file, where they are not those of the training file. */
  readonly testColumns?: Readonly<Record<string, string | boolean>>
  readonly task?: string
}

const text = (...parts: string[]): string => join(textFolder, ...parts)
const glue = (name: string) => () => ({
  train: text(name, 'train.tsv'),
  dev: text(name, 'dev.tsv'),
  test: text(name, 'dev.tsv'),
})

export const fineTuneTasks: Readonly<Record<string, FineTuneTask>> = {
  sst2: {
    title: 'SST-2 (dev)',
    files: glue('sst2'),
    recipe: [
      ...['--epochs', '2', '--learning-rate', '5e-5', '--warmup', '0.1', '--max-length', '128'],
      ...['--ema', '0.999', '--evaluate-every', '500'],
    ],
  },
  mrpc: {
    title: 'MRPC (dev)',
    files: glue('mrpc'),
    recipe: ['--epochs', '4', '--learning-rate', '5e-5', '--max-length', '128'],
  },
  stsb: {
    title: 'STS-B (test)',
    files: () => ({
      train: text('stsb', 'train.tsv'),
      dev: text('stsb', 'dev.tsv'),
      test: text('stsb/original', 'sts-test.tsv'),
    }),
    recipe: [
      '--task',
      'similarity',
      '--epochs',
      '4',
      '--learning-rate',
      '2e-5',
      '--max-length',
      '128',
    ],
    testColumns: { text: '6', textPair: '7', label: '5', header: false },
  },
  wnut17: {
    title: 'WNUT-17 (test)',
    files: () => ({
      train: text('wnut17', 'wnut17train.conll'),
      dev: text('wnut17', 'emerging.dev.conll'),
      test: text('wnut17', 'emerging.test.annotated'),
    }),
    task: 'token-classification',
    recipe: ['--task', 'token-classification', '--epochs', '5', '--learning-rate', '1e-4'],
  },
  trec: {
    title: 'TREC (test)',
    files: trecFiles,
    recipe: ['--epochs', '8', '--learning-rate', '1e-4', '--max-length', '64'],
  },
}

/** `DESC:manner How did …` as a table of texts and coarse classes; a tenth of the training set is held out. */
function trecFiles(folder: string) {
  mkdirSync(folder, { recursive: true })
  const rowsOf = (name: string): string[] =>
    readFileSync(text('trec', name), 'latin1')
      .trim()
      .split('\n')
      .map((line) => {
        const [, coarse, question] = /^(\w+):\S+ (.*)$/.exec(line)!
        return `${question}\t${coarse}`
      })
  const write = (name: string, rows: readonly string[]): string => {
    const file = join(folder, name)
    writeFileSync(file, `${['text\tlabel', ...rows].join('\n')}\n`)
    return file
  }
  const random = randomFrom(1)
  const all = rowsOf('train_5500.label').map((row) => ({ row, isDev: random.below(10) === 0 }))
  const part = (isDev: boolean) => all.filter((one) => one.isDev === isDev).map(({ row }) => row)
  return {
    train: write('trec-train.tsv', part(false)),
    dev: write('trec-dev.tsv', part(true)),
    test: write('trec-test.tsv', rowsOf('TREC_10.label')),
  }
}
