/**
 * `train`: a model and labelled data in; the model with a head for the task out, as a folder that Python's
 * transformers loads, with the ONNX files that `optimize` writes beside it.
 */
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { Checkpoints } from '../fit/checkpoints.ts'
import { trainingTask } from '../fit/training-task.ts'
import { checkTarget, writeFolder } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { load } from './load.ts'
import { optimizeInto, settingsOf } from './optimize.ts'
import { requireFile } from './require-file.ts'
import type { TrainDataOptions } from './train-data.ts'
import { runIdentity } from './train-identity.ts'
import { checkMemory, memoryText, trainingMemory } from './train-memory.ts'
import { mergeAdapters } from './train-merge.ts'
import { writeTrained } from './train-output.ts'
import { prepareTraining, type Teaching } from './train-prepare.ts'
import { trainingReport } from './train-report.ts'
import { runTraining } from './train-run.ts'
import { type TrainSettings, type TrainSettingsOptions, trainSettings } from './train-settings.ts'

export interface TrainOptions extends HubOptions, TrainDataOptions, TrainSettingsOptions {
  /** Hugging Face or sentence-transformers folder with safetensors weights, or `org/name` of the Hub. */
  readonly model: string
  /** Folder to write; default `limbeck-output/<model name>-<task>`. */
  readonly output?: string | undefined
  readonly overwrite?: boolean | undefined
  /** Go on from the checkpoint of a run that was stopped. */
  readonly resume?: boolean | undefined
  /** Minutes after which the run ends with what it has. */
  readonly maxMinutes?: number | undefined
  /** Seconds of latency measurement per shape at the end; default 2. */
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
  return trainFolder(path, options, settings)
}

/** Trains the model of a folder, by its data or by a teacher. */
export async function trainFolder(
  path: string,
  options: TrainOptions,
  settings: TrainSettings,
  teaching?: Teaching,
): Promise<TrainResult> {
  const { signal, progress, overwrite, maxMinutes } = options
  if (options.output !== undefined) checkTarget(options.output, { overwrite })
  const prepared = await prepareTraining(path, options, settings, teaching)
  const { folder, task, model, data, plan, training } = prepared
  const output = resolve(options.output ?? join('limbeck-output', `${folder.name}-${task}`))
  checkTarget(output, { overwrite })
  const memory = trainingMemory(training, plan, trainingTask(task).rows)
  checkMemory(memory)
  progress?.step('Memory').done(memoryText(memory))
  const own = await runIdentity(folder, prepared, options, settings, data.maxLength)
  const identity = { ...own, ...teaching?.recipe }
  const checkpoints = new Checkpoints(`${output}.training`, identity)
  const from = checkpointOf(checkpoints, options)
  const finished = await runTraining(prepared, { checkpoints, from, maxMinutes, signal, progress })
  const told = trainingReport({ options, prepared, memory, finished })
  const kept = checkpoints.learned(finished.weights)
  const learned = prepared.lora ? await mergeAdapters(prepared.lora, kept, signal) : kept
  const report = await writeFolder(output, { overwrite }, async (aside) => {
    writeTrained(model, learned, folder.path, aside)
    const written = load(aside)
    const named = { ...written, folder: { ...written.folder, name: folder.name } }
    const asked = {
      ...{ model: output, data: data.devData, maxLength: options.maxLength, signal, progress },
      ...{ seconds: options.seconds ?? 2, seed: settings.seed, command: options.command },
    }
    return optimizeInto(aside, named, asked, settingsOf(asked, named), {
      title: teaching?.title(folder.name, task) ?? `${folder.name}, trained for ${task}`,
      training: told,
      facts: { recipe: identity },
    })
  })
  if (finished.progress.ended !== 'time') checkpoints.remove()
  return { folder: output, training: told, report }
}

/** What to go on from. @throws LimbeckError `usage` where a run would be lost, or there is none. */
function checkpointOf(checkpoints: Checkpoints, { resume, overwrite }: TrainOptions) {
  if (resume) {
    if (checkpoints.exist) return checkpoints.read()
    throw new LimbeckError('usage', `--resume: there is no checkpoint in ${checkpoints.folder}.`, {
      hint: 'Leave --resume out to begin, or name the --output of that run.',
    })
  }
  if (!checkpoints.exist) return undefined
  if (!overwrite) {
    throw new LimbeckError('usage', `${checkpoints.folder} holds a run that was stopped.`, {
      hint: 'Pass --resume to go on with it, or --overwrite to begin anew.',
    })
  }
  checkpoints.remove()
  return undefined
}
