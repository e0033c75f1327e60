/**
 * `distill`: a teacher, a student and data in; the student, taught, out as `train` writes it. How the teacher is
 * asked stands in `teaching.ts`.
 */
import { LimbeckError } from '../errors.ts'
import { chooseTrainingTask } from '../fit/choose-training-task.ts'
import type { StudentInit } from '../fit/student-inits.ts'
import { openModelFolder } from '../hub/model-folder.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { describeModel } from '../models/build-model.ts'
import { checkDistillation } from '../train/distill-loss.ts'
import {
  type DistillMethod,
  type DistillMethodName,
  distillMethods,
} from '../train/distill-methods.ts'
import { checkVocabulary } from './check-student.ts'
import { findModel } from './find-model.ts'
import { sha256 } from './lineage.ts'
import { load } from './load.ts'
import { requireFile } from './require-file.ts'
import { studentFolder } from './student.ts'
import { shapedConfig, shapeOf } from './student-shape.ts'
import { checkLesson, taskOf, teachingOf } from './teaching.ts'
import { type TrainOptions, type TrainResult, trainFolder } from './train.ts'
import type { Teaching } from './train-prepare.ts'
import { type TrainSettings, trainSettings } from './train-settings.ts'

export interface DistillOptions extends Omit<TrainOptions, 'model' | 'fromScratch'> {
  /** A model that has learned the task: folder with safetensors weights, or `org/name` of the Hub. */
  readonly teacher: string
  /** Layers of the teacher, a shape such as `2x128`, or a model folder; default `every-second`. */
  readonly student?: string | undefined
  /** How a student of a shape begins; default the teacher's weights by SVD where it can be made narrower. */
  readonly init?: StudentInit | undefined
  /** Default `logits`. */
  readonly method?: DistillMethodName | undefined
  /** Which layer of the teacher each student layer learns from: `uniform` (default), `last`, or numbers. */
  readonly layerMap?: string | undefined
  /** Default as the method says. */
  readonly temperature?: number | undefined
  /** Variants of each training text (TinyBERT's have 20), which the teacher alone answers. */
  readonly augment?: number | undefined
  /** File of texts without labels, which the teacher alone answers. */
  readonly unlabelled?: string | undefined
  /**
   * Folder that keeps the teacher's answers, for other runs on the same texts; by default they lie in
   * `<output>.training` until the run is done, and a run of one epoch asks the teacher in its steps.
   */
  readonly teacherCache?: string | undefined
}

/**
 * Teaches a student what a teacher knows, and writes it as `train` does.
 * @throws LimbeckError for bad input, a student that cannot learn from this teacher, or cancellation.
 * @example
 * await distill({
 *   teacher: './my-classifier',
 *   student: '2x128',
 *   data: { file: 'train.tsv' },
 *   dev: 'dev.tsv',
 *   output: './my-small-classifier',
 * })
 */
export function distill(options: DistillOptions): Promise<TrainResult> {
  return withStudent(options, (student, asked, settings, teaching) =>
    trainFolder(student, asked, settings, teaching),
  )
}

/** What learns from what: the student's folder, all that training takes, and the teaching. */
type WithStudent<T> = (
  student: string,
  options: TrainOptions,
  settings: TrainSettings,
  teaching: Teaching,
) => Promise<T>

/** Makes the student in a folder that stands as long as `body` runs. @throws LimbeckError as `distill`. */
export async function withStudent<T>(options: DistillOptions, body: WithStudent<T>): Promise<T> {
  const { student = 'every-second', method: name = 'logits', temperature } = options
  const settings = trainSettings(options)
  for (const file of [options.data.file, options.dev, options.unlabelled]) {
    if (file !== undefined) requireFile(file)
  }
  const row: DistillMethod = distillMethods[name]
  if (row.twoStages && options.patience !== undefined) {
    throw new LimbeckError(
      'usage',
      `--patience and --method ${name} do not go together: its first half is not for the metric.`,
      {
        hint: 'Leave --patience out.',
      },
    )
  }
  const method = { ...row, answers: { ...row.answers, ...(temperature && { temperature }) } }
  const { path } = await findModel(options.teacher, options)
  const teacher = load(path)
  const folder = openModelFolder(path)
  return withScratchFolder(async (scratch) => {
    const { init, layerMap: map = 'uniform' } = options
    const data = { ...options.data, task: taskOf(method, options.data.task) }
    // before the teacher is made narrower, which takes its time
    const { task } = await chooseTrainingTask({ ...teacher, embeds: !!folder.pooling }, data)
    checkLesson({ teacher, method, name, options }, task)
    const shape = shapeOf(student)
    const config = shape && shapedConfig(folder, shape)
    if (config) checkDistillation(method, teacher.dims, describeModel(config).dims)
    const own = await studentFolder(student, folder, {
      ...{ ...options, data, init, layerMap: map, scratch },
      ...{ seed: settings.seed, threads: settings.threads },
    })
    await checkVocabulary(folder, openModelFolder(own), teacher)
    const recipe = {
      verb: 'distill',
      ...{ teacher: folder.name, teacherWeights: await sha256(folder.weightsFile), student },
      ...{ init, method: name, layerMap: map, temperature: method.answers.temperature },
      ...{ augment: options.augment },
      unlabelled: options.unlabelled === undefined ? undefined : await sha256(options.unlabelled),
    }
    const lesson = { teacher, method, name, map, recipe, options }
    const base = `${options.teacher}, student ${student}, method ${name}`
    return body(own, { ...options, data, model: base }, settings, teachingOf(lesson))
  })
}
