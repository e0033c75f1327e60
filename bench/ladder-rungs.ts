/** The rungs of `ladder.ts`: each a recipe of `limbeck distill`, taught by MiniLM-L6 fine-tuned on SST-2. */
import { join } from 'node:path'
import { sst2Dev, textFolder } from './places.ts'

export interface Rung {
  readonly name: string
  /** Options of `limbeck distill` beside teacher, output and seed. */
  readonly recipe: readonly string[]
  /** Options of `limbeck quantize` that the file is made by; without them it is one that `distill` wrote. */
  readonly quantize?: readonly string[]
  /** The file that is timed and judged. */
  readonly file: string
  /** Times BERT-base, and accuracy. */
  readonly asked?: { readonly ratio: number; readonly accuracy: number }
}

const data = ['--data', join(textFolder, 'sst2/train.tsv'), '--dev', sst2Dev]
const rung = (
  student: string,
  options: readonly string[],
  asked: Rung['asked'],
  more: Partial<Rung> = {},
): Rung => ({
  name: student,
  recipe: ['--student', student, ...options, ...data, '--max-length', '128', '--seconds', '0'],
  file: 'model_cpu_quantized',
  ...(asked && { asked }),
  ...more,
})

/** Narrow students learn phrases by heart: an epoch is five times the texts, four of them variants. */
const varied = ['--augment', '4', '--batch', '128', '--learning-rate', '5e-4']

/** Where a layer is some hundred microseconds, so are ranges and a table in codes. */
const fewest: Partial<Rung> = {
  quantize: ['--scheme', 'static-int8', ...data.slice(0, 2), '--exclude', 'embeddings*'],
  file: 'model_cpu_static',
}

export const rungs: readonly Rung[] = [
  rung('spread-4', ['--epochs', '2', '--batch', '64', '--learning-rate', '2e-4'], {
    ratio: 46.5,
    accuracy: 0.87,
  }),
  rung('2x256', [...varied, '--epochs', '1'], { ratio: 200, accuracy: 0.85 }),
  rung('1x256', [...varied, '--epochs', '2'], { ratio: 1000, accuracy: 0.834 }, fewest),
]
