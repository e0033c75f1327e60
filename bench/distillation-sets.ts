/** What `distillation.ts` compares: two sets, two students each, and how long and how fast they learn. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomFrom } from '../src/stats/index.ts'
import { fineTuneTasks } from './fine-tune-tasks.ts'
import { root, sst2Dev, sst2Model, textFolder } from './places.ts'

/** Taught, or by the labels alone. */
export const sides = ['distilled', 'alone'] as const
export type Side = (typeof sides)[number]

export interface StudentRecipe {
  readonly shape: '2x128' | '3x384'
  readonly epochs: number
  /** The same three for both sides. */
  readonly rates: readonly number[]
  /** Options of both sides. */
  readonly both?: readonly string[]
  /** Options of `distill` beside those of both. */
  readonly method: readonly string[]
  /** The student whose runs alone these are compared with, of the same shape, steps and rates; default its own. */
  readonly alone?: string
}

export interface SetFiles {
  readonly train: string
  readonly test: string
  /** Nine tenths of the training set, and the tenth that learning rates are chosen by. */
  readonly most: string
  readonly held: string
}

export interface DistillationSet {
  readonly title: string
  readonly seeds: number
  teacher(): string
  files(folder: string): SetFiles
  readonly students: Readonly<Record<string, StudentRecipe>>
}

const method = ['--method', 'logits'] as const
/** The teacher answers variants of the texts, too: as many steps, on more texts. */
const augmented = [...method, '--augment', '4'] as const
/** Half of a step of 3x384 would be the update of its table of words. */
const frozen = ['--freeze', 'embeddings.*'] as const
/** SST-2's labels as its teacher names them. */
const named = ['--label-map', '0=negative,1=positive'] as const
/** With the usual 0.06 one of three taught seeds at 1e-3 fell to one class: drawn weights want a slower begin. */
const slow = ['--warmup', '0.2'] as const

export const distillationSets: Readonly<Record<string, DistillationSet>> = {
  trec: {
    title: 'TREC, all rows',
    seeds: 5,
    // npm run bench:fine-tune -- trec
    teacher: () => join(root, '.bench/fine-tune/trec-1'),
    files(folder) {
      const { train, dev, test } = fineTuneTasks.trec!.files(folder)
      const [header, ...rows] = linesOf(train)
      return split(folder, 'trec', header!, [...rows, ...linesOf(dev).slice(1)], test)
    },
    students: {
      '2x128': { shape: '2x128', epochs: 10, rates: [3e-4, 1e-3, 3e-3], method },
      '2x128, augmented': {
        ...{ shape: '2x128', epochs: 10, rates: [3e-4, 1e-3, 3e-3], method: augmented },
        alone: '2x128',
      },
      '3x384, augmented': {
        ...{
          shape: '3x384',
          epochs: 3,
          rates: [1e-4, 2e-4, 4e-4],
          both: frozen,
          method: augmented,
        },
      },
    },
  },
  'sst2-10k': {
    title: 'SST-2, the first 10,000 rows',
    seeds: 3,
    teacher: () => sst2Model,
    files(folder) {
      const [header, ...rows] = linesOf(join(textFolder, 'sst2/train.tsv'))
      return split(folder, 'sst2-10k', header!, rows.slice(0, 10_000), sst2Dev)
    },
    students: {
      '2x128, augmented': {
        ...{
          shape: '2x128',
          epochs: 5,
          rates: [3e-4, 1e-3, 3e-3],
          both: [...named, ...slow],
          method: augmented,
        },
      },
      '3x384, augmented': {
        ...{
          shape: '3x384',
          epochs: 5,
          rates: [1e-4, 2e-4, 4e-4],
          both: [...named, ...frozen],
          method: augmented,
        },
      },
    },
  },
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n')

function split(
  folder: string,
  name: string,
  header: string,
  rows: readonly string[],
  test: string,
): SetFiles {
  mkdirSync(folder, { recursive: true })
  const write = (part: string, own: readonly string[]): string => {
    const file = join(folder, `${name}-${part}.tsv`)
    writeFileSync(file, `${[header, ...own].join('\n')}\n`)
    return file
  }
  const random = randomFrom(2)
  const marked = rows.map((row) => ({ row, held: random.below(10) === 0 }))
  const part = (held: boolean) => marked.filter((one) => one.held === held).map(({ row }) => row)
  return {
    ...{ train: write('all', rows), test },
    ...{ most: write('most', part(false)), held: write('held', part(true)) },
  }
}
