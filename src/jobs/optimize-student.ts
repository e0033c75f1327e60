/**
 * The student of `optimize`: a smaller model that learns from the one that is optimized, before both are
 * written and measured side by side. It is a model folder of its own in the output.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { withStudent } from './distill.ts'
import { type LoadedModel, load } from './load.ts'
import { isOnnxFile } from './logical-graph.ts'
import type { OptimizeOptions } from './optimize.ts'
import { requireFile } from './require-file.ts'
import { learn } from './train-learn.ts'
import { prepareTraining } from './train-prepare.ts'
import type { TrainSettingsOptions } from './train-settings.ts'
import { STUDENT } from './variants.ts'

/** Who learns, from what, and how long; what is not said is as in `distill`. */
export interface OptimizeStudentOptions
  extends Pick<TrainSettingsOptions, 'epochs' | 'steps' | 'learningRate'> {
  /** Layers of the model such as `every-second`, a shape such as `2x128`, or a model folder. */
  readonly student: string
  /** File to learn from, with the columns of the data that is measured on. */
  readonly data: string
  /** Go on from the checkpoint of a run that was stopped. */
  readonly resume?: boolean | undefined
}

/** A student that has learned and is written. */
export interface Taught {
  /** Who it is, as the user named it. */
  readonly student: string
  readonly model: LoadedModel
  readonly training: TrainingReport
  /** The recipe, for the lineage. */
  readonly identity: Readonly<Record<string, unknown>>
  /** Removes its checkpoints, once all of the output stands. */
  forget(): void
}

/** Refuses what no student can be taught by, before anything is read. */
export function checkStudentOptions(path: string, { distill, data }: OptimizeOptions): void {
  if (!distill) return
  if (isOnnxFile(path)) {
    throw new LimbeckError('usage', `--distill: ${path} is an ONNX file, which does not teach.`, {
      hint: 'Give the model folder with its safetensors weights, or leave --distill out.',
    })
  }
  if (!data) {
    throw new LimbeckError('usage', '--distill needs data to judge the student by.', {
      hint: 'Name it with --data; what it learns from is --train-data.',
    })
  }
  requireFile(distill.data)
}

/**
 * Teaches a student and writes it into the folder's `student`. @param output checkpoints lie in
 * `<output>.training`.
 * @throws LimbeckError as `distill`; checkpoints stay.
 */
export function teachStudent(
  folder: string,
  output: string,
  distill: OptimizeStudentOptions,
  options: OptimizeOptions,
): Promise<Taught> {
  const { student, data: file, ...settings } = distill
  const { model: teacher, data, maxLength, seed, overwrite, signal, progress } = options
  const { revision, offline } = options
  const asked = { teacher, student, ...settings, data: { ...data, file }, maxLength, seed }
  const around = { overwrite, revision, offline, signal, progress }
  return withStudent({ ...asked, ...around }, async (own, learning, chosen, teaching) => {
    const prepared = await prepareTraining(own, learning, chosen, teaching)
    const { training, identity, write, forget } = await learn(prepared, output, learning)
    const path = join(folder, STUDENT)
    mkdirSync(path, { recursive: true })
    write(path)
    return { student, model: load(path), training, identity, forget }
  })
}
