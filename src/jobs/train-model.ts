/**
 * The model that is trained: the base of what the user named, with the head that the task needs, under the
 * names that Hugging Face's class for it has.
 */
import { type ChosenTask, chooseTrainingTask } from '../fit/choose-training-task.ts'
import { dataLabels } from '../fit/data-labels.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { type NewHead, newHead } from '../fit/new-head.ts'
import { classNames, findClasses } from '../fit/training-labels.ts'
import { trainingTask } from '../fit/training-task.ts'
import type { ModelFolder } from '../hub/model-folder.ts'
import {
  type BuiltModel,
  buildModel,
  describeModel,
  type ModelInfo,
} from '../models/build-model.ts'
import type { ModelConfig } from '../models/config.ts'
import type { Pooling } from '../models/pooling.ts'
import { checkpointFor, configFor } from '../models/with-task.ts'

/** A model with its head, ready to be trained. */
export interface TrainedModel extends BuiltModel {
  readonly config: ModelConfig
  readonly pooling: Pooling | undefined
  /** Parameters that were made for it. */
  readonly made: readonly string[]
}

export interface ModelForTask extends ChosenTask {
  readonly model: TrainedModel
}

/** Mean of the tokens, of length 1: what a base model becomes an embedder by. */
const meanPooling: Pooling = { modes: ['mean'], normalize: true }

/**
 * Chooses the task and gives the model its head.
 * @throws LimbeckError for a task that does not fit the data, or labels that are none.
 */
export async function modelForTask(
  folder: ModelFolder,
  data: DataOptions,
  seed: number,
): Promise<ModelForTask> {
  const before = describeModel(folder.config, folder.pooling)
  const chosen = await chooseTrainingTask({ ...before, embeds: folder.pooling !== undefined }, data)
  const row = trainingTask(chosen.task)
  const labels = await labelsFor(before, data, chosen)
  const config = configFor(folder.config, before.family, {
    task: row.model,
    labels,
    problemType: row.problemType,
  })
  const head: NewHead = newHead(config, seed)
  const checkpoint = checkpointFor(folder.checkpoint, before.family, row.model, head.make)
  const pooling = row.model === 'feature-extraction' ? (folder.pooling ?? meanPooling) : undefined
  const built = buildModel({ config, checkpoint, pooling })
  return { ...chosen, model: { ...built, config, pooling, made: head.names } }
}

/** The model's own labels where they are those of the data, else the data's. */
async function labelsFor(
  before: ModelInfo,
  data: DataOptions,
  { task, columns }: ChosenTask,
): Promise<readonly string[]> {
  const { classes: kind, model } = trainingTask(task)
  if (!kind) return model === 'sequence-classification' ? ['LABEL_0'] : []
  const found = await findClasses(kind, data, columns)
  if (before.task === model && before.labels.length > 1) {
    const written = async function* () {
      yield* found.written
    }
    const given = data.labelMap
    try {
      const { map } = await dataLabels({ names: before.labels, given, written })
      if (found.written.every((label) => map.find(label) !== undefined)) return before.labels
    } catch {
      // a map of other classes: the head is made for those
    }
  }
  return classNames(found, data.labelMap)
}
