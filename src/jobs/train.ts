/**
 * `train`: a model and labelled data in; the model with a head for the task out, as a folder that Python's
 * transformers loads, with the ONNX files that `optimize` writes beside it.
 */
import { join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { Checkpoints } from '../fit/checkpoints.ts'
import { warmupSteps } from '../fit/schedule.ts'
import { trainLoop } from '../fit/train-loop.ts'
import { lengthOf, trainingFeeds } from '../fit/training-feeds.ts'
import { trainingPlan } from '../fit/training-plan.ts'
import { noProgress, type TrainingProgress } from '../fit/training-progress.ts'
import { trainingTask } from '../fit/training-task.ts'
import { openModelFolder } from '../hub/model-folder.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { checkTarget, writeFolder } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { trainingStep } from '../train/training-step.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { load } from './load.ts'
import { optimizeInto, settingsOf } from './optimize.ts'
import { requireFile } from './require-file.ts'
import { readTrainData, type TrainDataOptions } from './train-data.ts'
import { openGraphs } from './train-graphs.ts'
import { runIdentity } from './train-identity.ts'
import { judgedGraph, judgeOf } from './train-judge.ts'
import { checkMemory, memoryText, trainingMemory } from './train-memory.ts'
import { modelForTask } from './train-model.ts'
import { writeTrained } from './train-output.ts'
import { parameterGroups, parametersThatLearn } from './train-parameters.ts'
import { evaluationText, trainingReport } from './train-report.ts'
import { type TrainSettingsOptions, trainSettings } from './train-settings.ts'

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

/** Milliseconds between checkpoints. */
const SAVE_EVERY_MS = 60_000

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
  const { signal, progress, overwrite } = options
  const settings = trainSettings(options)
  // before the model is read for it
  for (const file of [options.data.file, options.dev]) if (file !== undefined) requireFile(file)
  const { path } = await findModel(options.model, options)
  const folder = openModelFolder(path)
  const forTask = await modelForTask(folder, options.data, settings.seed)
  const { task, model } = forTask
  const output = resolve(options.output ?? join('limbeck-output', `${folder.name}-${task}`))
  checkTarget(output, { overwrite })
  const data = await readTrainData(folder, forTask, options)
  const { examples } = data.training
  const plan = trainingPlan(examples.map(lengthOf), {
    ...{ seed: settings.seed, batchSize: settings.batch, maxTokens: settings.maxTokens },
    ...{ epochs: settings.epochs, steps: settings.steps, accumulate: settings.accumulate },
  })
  const schedule = {
    ...{ name: settings.schedule, peak: settings.learningRate, steps: plan.steps },
    warmup: warmupSteps(settings.warmup, plan.steps),
  }
  const row = trainingTask(task)
  const training = trainingStep({
    graph: model.graph,
    loss: (b, outputs) => row.loss(b, outputs, settings),
    trainable: parametersThatLearn(model, settings.freeze),
    groups: parameterGroups(model, settings.layerDecay),
    optimizer: { type: 'adamw', weightDecay: settings.weightDecay },
    ...(settings.clip > 0 && { clip: settings.clip }),
    accumulate: settings.accumulate > 1,
    ema: settings.ema !== undefined,
  })
  const memory = trainingMemory(training, plan, row.rows)
  checkMemory(memory)
  progress?.step('Memory').done(memoryText(memory))
  const identity = await runIdentity(folder, forTask, options, settings, data.maxLength)
  const checkpoints = new Checkpoints(`${output}.training`, identity)
  const from = checkpointOf(checkpoints, options)
  const judge = judgeOf(forTask, data)
  return withScratchFolder(async (scratch) => {
    const graphs = await openGraphs({
      ...{ folder: scratch, training, judged: judgedGraph(model, task) },
      ...{ ema: settings.ema !== undefined, threads: settings.threads, from },
    })
    let done: TrainingProgress
    let peakBytes: number
    try {
      const { store, state, weights } = graphs
      const begun = from ? { ...from.progress, ended: undefined } : noProgress
      const step = progress?.step(`Training for ${task}`, plan.steps)
      if (from) step?.update(begun.step, `from step ${begun.step}`)
      const every = settings.evaluateEvery ?? Math.ceil(plan.steps / 4)
      try {
        done = await trainLoop(
          {
            ...{ plan, schedule, training, graphs, signal, patience: settings.patience },
            emaDecay: settings.ema,
            batch(places, at, micro) {
              const own = places.map((place) => examples[place]!)
              const tokens = own.reduce(
                (sum, { texts }) => sum + texts.reduce((n, { ids }) => n + ids.length, 0),
                0,
              )
              const feeds = trainingFeeds(own, [settings.seed, at, micro], data.feeds)
              return { feeds, rows: own.length, tokens }
            },
            evaluate: judge && (async (at) => ({ step: at, ...(await judge(graphs.judged)) })),
            evaluateAt: (at) =>
              at % every === 0 || (settings.evaluateEvery === undefined && plan.ends.includes(at)),
            saveBest: (at) => checkpoints.saveBest(weights, store.get, at),
            save: (now) => checkpoints.save(state, store.get, now),
            saveEveryMs: SAVE_EVERY_MS,
            ...(options.maxMinutes !== undefined && { maxMs: options.maxMinutes * 60_000 }),
            onStep: (now, loss) => step?.update(now.step, stepText(now, loss)),
          },
          begun,
        )
      } catch (error) {
        step?.fail()
        throw error
      }
      peakBytes = (await store.memory()).peak
      step?.done(`${done.step} steps${done.best ? `, ${evaluationText(done.best)}` : ''}`)
    } finally {
      await graphs.store.end()
    }
    const told = trainingReport({
      ...{ options, settings, task, plan, data, memory, training, done, peakBytes },
    })
    const learned = checkpoints.learned(graphs.weights)
    const report = await writeFolder(output, { overwrite }, async (aside) => {
      writeTrained(model, learned, folder.path, aside)
      const written = load(aside)
      const named = { ...written, folder: { ...written.folder, name: folder.name } }
      const asked = {
        ...{ model: output, data: data.devData, maxLength: options.maxLength, signal, progress },
        ...{ seconds: options.seconds ?? 2, seed: settings.seed, command: options.command },
      }
      return optimizeInto(aside, named, asked, settingsOf(asked, named), {
        title: `${folder.name}, trained for ${task}`,
        training: told,
        facts: { recipe: identity },
      })
    })
    if (done.ended !== 'time') checkpoints.remove()
    return { folder: output, training: told, report }
  })
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

const stepText = (now: TrainingProgress, loss: number): string => {
  const last = now.losses.at(-1)?.loss ?? loss
  const rate = now.tokens / Math.max(now.seconds, 1e-3)
  const judged = now.evaluations.at(-1)
  return [
    `loss ${last.toPrecision(3)}`,
    ...(judged ? [evaluationText(judged)] : []),
    `${rate.toFixed(0)} tokens/s`,
  ].join(', ')
}
