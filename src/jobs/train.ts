/**
 * `train`: a model and labelled data in; the model with a head for the task out, as a folder that Python's
 * transformers loads, with the ONNX files that `optimize` writes beside it.
 */
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { openConfigFolder } from '../hub/model-folder.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { checkTarget, writeFolder } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { writeDrawn } from './drawn-model.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { finishModel } from './finish-model.ts'
import { load } from './load.ts'
import type { Origin } from './origin.ts'
import { requireFile } from './require-file.ts'
import type { TrainDataOptions } from './train-data.ts'
import { learn } from './train-learn.ts'
import { type WeightType, writeTrained } from './train-output.ts'
import { type PreparedTraining, prepareTraining, type Teaching } from './train-prepare.ts'
import { type TrainSettings, type TrainSettingsOptions, trainSettings } from './train-settings.ts'

export interface TrainOptions extends HubOptions, TrainDataOptions, TrainSettingsOptions {
  /** Hugging Face or sentence-transformers folder with safetensors weights, or `org/name` of the Hub. */
  readonly model: string
  /** Begin with weights drawn by the seed: the model's folder needs `config.json` and a tokenizer alone. */
  readonly fromScratch?: boolean | undefined
  /** Numbers of the written `model.safetensors`; default `float32`. */
  readonly dtype?: WeightType | undefined
  /** Folder to write; default `limbeck-output/<model name>-<task>`. */
  readonly output?: string | undefined
  readonly overwrite?: boolean | undefined
  /** Go on from the checkpoint of a run that was stopped. */
  readonly resume?: boolean | undefined
  /** Minutes after which the run ends with what it has. */
  readonly maxMinutes?: number | undefined
  /** Seconds of latency measurement by number of threads at the end; default 2, 0 for none. */
  readonly seconds?: number | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
}

export interface TrainResult {
  /** Absolute path of the folder written. */
  readonly folder: string
  readonly training: TrainingReport
  readonly report: Report
}

/**
 * Trains a model. Writes `model.safetensors`, `config.json`, tokenizer, ONNX files, `limbeck.json` and
 * `report.html`; checkpoints lie in `<output>.training` until it is done.
 * @throws LimbeckError for bad input, numbers that are none, or cancellation; the output folder is then
 *   untouched, and `resume` goes on from the last checkpoint to the same bytes.
 * @example
 * const { training } = await train({
 *   model: './MiniLM-L6',
 *   data: { file: 'train.tsv' },
 *   dev: 'dev.tsv',
 *   output: './my-classifier',
 * })
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const settings = trainSettings(options)
  // before the model is read for it
  for (const file of [options.data.file, options.dev]) if (file !== undefined) requireFile(file)
  const { path } = await findModel(options.model, options)
  if (!options.fromScratch) return trainFolder(path, options, settings)
  return withScratchFolder((scratch) => {
    const folder = openConfigFolder(path)
    const drawn = join(scratch, folder.name)
    writeDrawn(folder, settings.seed, drawn)
    return trainFolder(drawn, { ...options, model: `${options.model}, drawn weights` }, settings)
  })
}

/** Trains the model of a folder, by its data or by a teacher, and writes and measures it. */
export async function trainFolder(
  path: string,
  options: TrainOptions,
  settings: TrainSettings,
  teaching?: Teaching,
): Promise<TrainResult> {
  const { signal, progress, overwrite, dtype } = options
  if (options.output !== undefined) checkTarget(options.output, { overwrite })
  if (settings.quantize && dtype === 'float16') {
    throw new LimbeckError('usage', '--dtype float16 rounds weights before --quantize does.', {
      hint: 'Leave one of them out.',
    })
  }
  const prepared = await prepareTraining(path, options, settings, teaching)
  const { folder, task, data } = prepared
  const output = resolve(options.output ?? join('limbeck-output', `${folder.name}-${task}`))
  checkTarget(output, { overwrite })
  const learned = await learn(prepared, output, options)
  const report = await withScratchFolder((scratch) =>
    writeFolder(output, { overwrite }, async (aside) => {
      learned.write(aside, dtype)
      return finishModel(aside, {
        ...{ output, name: folder.name, dev: data.devData, plans: learned.plans },
        origin: teaching?.origin ?? untrained(prepared, scratch),
        title: teaching?.title(folder.name, task) ?? `${folder.name}, trained for ${task}`,
        ...{ training: learned.training, facts: { recipe: learned.identity } },
        ...{ maxLength: options.maxLength, seconds: options.seconds, seed: settings.seed },
        ...{ command: options.command, signal, progress },
      })
    }),
  )
  learned.forget()
  return { folder: output, training: learned.training, report }
}

/** The model with its head as it was before the first step. */
function untrained({ folder, model }: PreparedTraining, scratch: string): Origin {
  writeTrained(model, new Map(), folder.path, scratch)
  const unjudged = model.made.length > 0 ? 'its head was made for this task' : undefined
  return { role: 'source', name: `${folder.name}, untrained`, model: load(scratch), unjudged }
}
