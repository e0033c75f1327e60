/** A training run before its first step: model, data, plan and the step's graph, all checked. */

import { type Schedule, secondStage, warmupSteps } from '../fit/schedule.ts'
import { lengthOf } from '../fit/training-feeds.ts'
import { type TrainingPlan, trainingPlan } from '../fit/training-plan.ts'
import type { TrainingExample } from '../fit/training-set.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { Graph } from '../graph/graph.ts'
import { type ModelFolder, openModelFolder } from '../hub/model-folder.ts'
import type { Feeds } from '../runtime/engine.ts'
import { type Lora, withLora } from '../train/lora.ts'
import { type TrainingStep, trainingStep, type WriteLoss } from '../train/training-step.ts'
import type { Origin } from './origin.ts'
import type { TeacherCache } from './teacher-cache.ts'
import { readTrainData, type TrainData, type TrainDataOptions } from './train-data.ts'
import { trainDropout } from './train-dropout.ts'
import type { JudgeLoss } from './train-judge.ts'
import { type ModelForTask, modelForTask } from './train-model.ts'
import { parameterGroups, parametersThatLearn } from './train-parameters.ts'
import { markedForTraining } from './train-quantize.ts'
import type { TrainSettings } from './train-settings.ts'

/** How another model teaches. */
export interface Teaching {
  /** What it adds to the run's identity. */
  readonly recipe: Readonly<Record<string, unknown>>
  /** The teacher, to be measured beside its student. */
  readonly origin: Origin
  /** Whether the second half of the steps is a run of its own. */
  readonly twoStages: boolean
  /** Of the report. */
  readonly title: (name: string, task: string) => string
  /** @throws LimbeckError where the student cannot learn from it. */
  check(student: ModelForTask): void
  /** What a student learns from, where it is more than the data. */
  texts?(
    data: TrainData,
    student: ModelForTask,
    settings: TrainSettings,
  ): Promise<readonly TrainingExample[]>
  /** A run of it, once the data is read. */
  begin(run: TaughtRun): Promise<Taught>
}

/** What a run is taught on. */
export interface TaughtRun extends ModelForTask {
  readonly settings: TrainSettings
  readonly data: TrainData
  readonly plan: TrainingPlan
}

/** The loss, and what it needs of each batch beside the data. */
export interface Taught {
  readonly loss: WriteLoss
  /** Inputs of the teacher, where it runs in the step. */
  readonly inputs: readonly string[]
  /** The teacher's answers, where they are made before the first step. */
  readonly answers?: TeacherCache | undefined
  /** How the dev data is judged by the teacher, where nothing else does: its answers, and a loss that reads them. */
  readonly judged?: { readonly loss: JudgeLoss; readonly answers: TeacherCache } | undefined
  /** Of step `step` of `steps`, from 0. */
  feeds(step: number, steps: number): Feeds
}

/** A run that can begin. */
export interface PreparedTraining extends ModelForTask {
  readonly folder: ModelFolder
  readonly settings: TrainSettings
  readonly data: TrainData
  readonly plan: TrainingPlan
  readonly schedule: Schedule
  readonly training: TrainingStep
  /** The forward run that learns: the model's, with adapters, or with layers marked to round. */
  readonly graph: Graph
  /** Where adapters learn. */
  readonly lora: Lora | undefined
  readonly teaching: Teaching | undefined
  readonly taught: Taught | undefined
}

/** Reads and builds all that a run needs. @param path of the base model's folder. */
export async function prepareTraining(
  path: string,
  options: TrainDataOptions,
  settings: TrainSettings,
  teaching?: Teaching,
): Promise<PreparedTraining> {
  const folder = openModelFolder(path)
  const forTask = await modelForTask(folder, options.data, settings.seed)
  const { task, model } = forTask
  // before the data is read for it
  teaching?.check(forTask)
  const learn = parametersThatLearn(model, settings.freeze)
  const { lora: rank, seed } = settings
  const lora = rank === undefined ? undefined : withLora(model.graph, { rank, seed })
  const read = await readTrainData(folder, forTask, options)
  const examples = await teaching?.texts?.(read, forTask, settings)
  const data = examples ? { ...read, training: { ...read.training, examples } } : read
  const plan = trainingPlan(data.training.examples.map(lengthOf), {
    ...{ seed: settings.seed, batchSize: settings.batch, maxTokens: settings.maxTokens },
    ...{ epochs: settings.epochs, steps: settings.steps, accumulate: settings.accumulate },
  })
  const restart = teaching?.twoStages ? secondStage(plan.steps) : undefined
  const schedule = {
    ...{ name: settings.schedule, peak: settings.learningRate, steps: plan.steps, restart },
    warmup: warmupSteps(settings.warmup, restart ?? plan.steps),
  }
  const taught = await teaching?.begin({ ...forTask, settings, data, plan })
  const row = trainingTask(task)
  const { quantize, layerDrop, threads } = settings
  const graph = quantize
    ? await markedForTraining(model.graph, quantize, data, { ...options, threads })
    : (lora?.graph ?? model.graph)
  const dropout = trainDropout(model, settings, plan, row.rows)
  const training = trainingStep({
    graph,
    loss: taught?.loss ?? ((b, outputs) => row.loss(b, outputs, settings)),
    trainable: (parameter) => learn(parameter) && (lora?.trainable(parameter) ?? true),
    groups: parameterGroups(model, settings.layerDecay),
    optimizer: { type: 'adamw', weightDecay: settings.weightDecay },
    ...(settings.clip > 0 && { clip: settings.clip }),
    accumulate: settings.accumulate > 1,
    ema: settings.ema !== undefined,
    recompute: settings.recompute,
    threads,
    ...(layerDrop && { layerDrop: { rate: layerDrop, seed } }),
    ...(dropout && { dropout: { ...dropout, layersOf: model.graph } }),
  })
  const run = { settings, data, plan, schedule, training, graph }
  return { ...forTask, folder, ...run, lora, teaching, taught }
}
