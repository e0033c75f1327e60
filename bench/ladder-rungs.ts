/** The rungs of `ladder.ts`: each a recipe of `limbeck distill`, taught by MiniLM-L6 fine-tuned on SST-2. */
import { join } from 'node:path'
import { sst2Dev, textFolder } from './places.ts'

export interface Rung {
  readonly name: string
  /** Options of `limbeck distill` beside teacher, output and seed. */
  readonly recipe: readonly string[]
  /** The file that is timed and judged: the fastest of the folder. */
  readonly file: string
  /** Times BERT-base, and accuracy. */
  readonly asked?: { readonly ratio: number; readonly accuracy: number }
}

const data = ['--data', join(textFolder, 'sst2/train.tsv'), '--dev', sst2Dev]
const int8 = 'model_cpu_quantized'
const rung = (
  student: string,
  options: readonly string[],
  asked?: Rung['asked'],
  name = student,
): Rung => ({
  name,
  recipe: ['--student', student, ...options, ...data, '--max-length', '128', '--seconds', '0'],
  file: int8,
  ...(asked && { asked }),
})

export const rungs: readonly Rung[] = [
  rung('every-second', ['--epochs', '1', '--learning-rate', '1e-4'], {
    ratio: 46.5,
    accuracy: 0.87,
  }),
  rung('2x256', ['--epochs', '2', '--learning-rate', '5e-4'], { ratio: 200, accuracy: 0.85 }),
  rung('1x256', ['--epochs', '3', '--learning-rate', '5e-4'], { ratio: 1000, accuracy: 0.834 }),
  rung('first-1', ['--epochs', '1', '--learning-rate', '2e-4']),
]
