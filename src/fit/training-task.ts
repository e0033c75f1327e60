/**
 * What a model can be trained for: one table row a task. A row says which head it needs, how its examples
 * are read and judged, what the loss is, and which labels a batch feeds.
 */

import { LimbeckError, nearest } from '../errors.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { DataType, HostArray, HostTensor } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import type { Task } from '../models/family.ts'
import { contrastive, cosineError } from '../train/embedding-losses.ts'
import {
  binaryCrossEntropy,
  crossEntropy,
  labelledCrossEntropy,
  meanSquaredError,
} from '../train/losses.ts'
import type { DataTask } from './data-task.ts'
import { IGNORED } from './mask-tokens.ts'

/** Tasks that a model can be trained for. */
export type TrainingTask =
  | 'text-classification'
  | 'pair-classification'
  | 'multi-label-classification'
  | 'regression'
  | 'token-classification'
  | 'question-answering'
  | 'fill-mask'
  | 'similarity'
  | 'embeddings'
  | 'sentence-vectors'

/** Settings of losses that users may choose. */
export interface LossOptions {
  /** ε of cross entropy. */
  readonly labelSmoothing?: number
  /** What cosines are multiplied by among the texts of a batch. */
  readonly scale?: number
}

/** Labels of a batch of which `width` is the padded length: what targets are, in the rows' order. */
type Labels = (
  targets: readonly unknown[],
  width: number,
  classes: number,
) => Record<string, HostTensor>

export interface TrainingTaskRow {
  /** The head that answers. */
  readonly model: Task
  readonly problemType?: string
  /** How labelled data is read, and judged where anything judges it. */
  readonly data: DataTask
  /** Whether the labels of the data name classes, and how a row has them. */
  readonly classes?: 'class' | 'classes' | 'tags'
  /** Texts of an example that stand in rows of their own: all first ones, then all second ones. */
  readonly rows: 1 | 2
  /** By what dev data is judged where it has no metric of its own. */
  readonly judgedByLoss?: true
  readonly loss: (
    b: GraphBuilder,
    outputs: Readonly<Record<string, Value>>,
    options: LossOptions,
  ) => Value
  readonly labels: Labels
}

const batch = ['batch_size']
const tokens = ['batch_size', 'sequence_length']

const tensor = (dtype: DataType, shape: readonly number[], data: HostArray): HostTensor => ({
  dtype,
  shape,
  data,
})
const ints = (values: readonly number[], shape = [values.length]): HostTensor =>
  tensor('int64', shape, BigInt64Array.from(values, BigInt))
const floats = (values: readonly number[], shape = [values.length]): HostTensor =>
  tensor('float32', shape, Float32Array.from(values))

/** Labels of tokens, padded with what does not count. */
const tokenLabels: Labels = (targets, width) => {
  const rows = targets as readonly (readonly number[])[]
  const all = rows.flatMap((row) => [
    ...row,
    ...new Array<number>(width - row.length).fill(IGNORED),
  ])
  return { labels: ints(all, [rows.length, width]) }
}
const tokenLoss: TrainingTaskRow['loss'] = (b, { logits }, options) =>
  crossEntropy(b, logits!, b.input('labels', 'int64', tokens), options)

const classified: TrainingTaskRow = {
  model: 'sequence-classification',
  problemType: 'single_label_classification',
  data: 'text-classification',
  classes: 'class',
  rows: 1,
  loss: (b, { logits }, options) =>
    crossEntropy(b, logits!, b.input('labels', 'int64', batch), options),
  labels: (targets) => ({ labels: ints(targets as number[]) }),
}

const tasks: Readonly<Record<TrainingTask, TrainingTaskRow>> = {
  'text-classification': classified,
  'pair-classification': { ...classified, data: 'pair-classification' },
  'multi-label-classification': {
    ...classified,
    problemType: 'multi_label_classification',
    data: 'multi-label-classification',
    classes: 'classes',
    loss: (b, { logits }) =>
      binaryCrossEntropy(b, logits!, b.input('labels', 'float32', ['batch_size', 'classes'])),
    labels: (targets, _, classes) => {
      const rows = targets as readonly (readonly number[])[]
      const all = new Array<number>(rows.length * classes).fill(0)
      rows.forEach((row, i) => {
        for (const id of row) all[i * classes + id] = 1
      })
      return { labels: floats(all, [rows.length, classes]) }
    },
  },
  regression: {
    model: 'sequence-classification',
    problemType: 'regression',
    data: 'regression',
    rows: 1,
    loss: (b, { logits }) => {
      const answers = b.op('Squeeze', [logits!, b.int64s([1], 'axis')])
      return meanSquaredError(b, answers, b.input('labels', 'float32', batch))
    },
    labels: (targets) => ({ labels: floats(targets as number[]) }),
  },
  'token-classification': {
    model: 'token-classification',
    data: 'token-classification',
    classes: 'tags',
    rows: 1,
    loss: tokenLoss,
    labels: tokenLabels,
  },
  'question-answering': {
    model: 'question-answering',
    data: 'question-answering',
    rows: 1,
    // the mean of both, as in Devlin et al. 2019
    loss: (b, { start_logits, end_logits }, options) => {
      const starts = crossEntropy(b, start_logits!, b.input('starts', 'int64', batch), options)
      const ends = crossEntropy(b, end_logits!, b.input('ends', 'int64', batch), options)
      const half = b.constant(floatScalar(0.5), 'half')
      return b.op('Mul', [b.op('Add', [starts, ends]), half])
    },
    labels: (targets) => {
      const spans = targets as readonly (readonly [number, number])[]
      return { starts: ints(spans.map(([s]) => s)), ends: ints(spans.map(([, e]) => e)) }
    },
  },
  'fill-mask': {
    model: 'masked-lm',
    data: 'embeddings',
    rows: 1,
    judgedByLoss: true,
    loss: (b, { logits }, options) =>
      labelledCrossEntropy(b, logits!, b.input('labels', 'int64', tokens), options),
    labels: tokenLabels,
  },
  similarity: {
    model: 'feature-extraction',
    data: 'similarity',
    rows: 2,
    loss: (b, { sentence_embedding }) =>
      cosineError(b, sentence_embedding!, b.input('labels', 'float32', ['pairs'])),
    labels: (targets) => ({ labels: floats(targets as number[]) }),
  },
  embeddings: {
    model: 'feature-extraction',
    data: 'embeddings',
    rows: 2,
    judgedByLoss: true,
    // a text's partner stands in its own place
    loss: (b, { sentence_embedding }, { scale }) =>
      contrastive(b, sentence_embedding!, b.input('labels', 'int64', ['pairs']), scale),
    labels: (targets) => ({ labels: ints([...targets.keys()]) }),
  },
  // texts alone, each by itself: what is right about them a teacher says
  'sentence-vectors': {
    model: 'feature-extraction',
    data: 'embeddings',
    rows: 1,
    judgedByLoss: true,
    loss: () => {
      throw new LimbeckError('usage', 'sentence-vectors are learned from a teacher alone.', {
        hint: 'limbeck distill --method cosine does.',
      })
    },
    labels: () => ({}),
  },
}

/** The names, for help and errors; what a teacher alone can teach is no task to ask for. */
export const trainingTaskNames = Object.keys(tasks).filter(
  (name) => name !== 'sentence-vectors',
) as readonly Exclude<TrainingTask, 'sentence-vectors'>[]

/** The row of a task. */
export const trainingTask = (task: TrainingTask): TrainingTaskRow => tasks[task]

/** A task by its name. @throws LimbeckError `usage` for an unknown one. */
export function trainingTaskNamed(name: string): TrainingTask {
  if (Object.hasOwn(tasks, name)) return name as TrainingTask
  const near = nearest(name, trainingTaskNames)
  throw new LimbeckError(
    'usage',
    `--task ${name} is not known here; a model is trained for ${trainingTaskNames.join(', ')}.`,
    { ...(near && { hint: `Did you mean ${near}?` }) },
  )
}
