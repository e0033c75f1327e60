/**
 * The tensors of one batch: padded texts under the model's input names, and the labels that the task's loss
 * takes. Two texts of an example stand in rows of their own, all first ones before all second ones.
 */
import { padBatch } from '../data/pad-batch.ts'
import type { Feeds } from '../runtime/engine.ts'
import { type MaskVocabulary, maskTokens } from './mask-tokens.ts'
import type { TrainingExample } from './training-set.ts'
import { type TrainingTask, trainingTask } from './training-task.ts'

export interface FeedOptions {
  readonly task: TrainingTask
  /** Names of the model's inputs. */
  readonly inputs: readonly string[]
  readonly padId: number
  /** Number of the model's classes. */
  readonly classes: number
  /** For masked language modelling. */
  readonly vocabulary?: MaskVocabulary | undefined
}

/** The feeds of a batch. @param key numbers that decide masks: seed and step. */
export function trainingFeeds(
  examples: readonly TrainingExample[],
  key: readonly number[],
  { task, inputs, padId, classes, vocabulary }: FeedOptions,
): Feeds {
  const row = trainingTask(task)
  const masked =
    task === 'fill-mask'
      ? examples.map(({ texts }, place) => maskTokens(texts[0]!, vocabulary!, [...key, place]))
      : undefined
  const encodings = masked
    ? masked.map(({ encoding }) => encoding)
    : Array.from({ length: row.rows }, (_, text) => examples.map((e) => e.texts[text]!)).flat()
  const targets = masked ? masked.map(({ labels }) => labels) : examples.map((e) => e.target)
  const feeds = padBatch(encodings, { padId, inputs })
  const width = Object.values(feeds)[0]!.shape[1]!
  return { ...feeds, ...row.labels(targets, width, classes) }
}

/** Tokens of an example, as far as padding counts them: of the longest of its rows. */
export const lengthOf = ({ texts }: TrainingExample): number =>
  texts.reduce((most, { ids }) => Math.max(most, ids.length), 0)
