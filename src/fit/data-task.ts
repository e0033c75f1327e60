/**
 * What a data file asks of a model: which kind of target it has, how rows become answers, and by which
 * metrics they are judged. One table row a task.
 */

import { argmax, classesAbove, cosineSimilarity } from '../data/logits.ts'
import type { MetricTask } from '../data/metric-tallies.ts'
import type { Example, TargetKind } from '../data/read-examples.ts'
import { LimbeckError, nearest } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'
import type { Prepare } from './prepared-text.ts'
import { rankedText } from './ranked-text.ts'
import { zeroShotText } from './zero-shot-text.ts'

/** Tasks that data can ask for. */
export type DataTask =
  | 'text-classification'
  | 'pair-classification'
  | 'multi-label-classification'
  | 'regression'
  | 'similarity'
  | 'question-answering'
  | 'token-classification'
  | 'zero-shot'
  | 'reranking'
  | 'retrieval'
  | 'embeddings'

interface DataTaskRow {
  /** Models that the task is for; any by default. */
  readonly models?: readonly Task[]
  readonly target: TargetKind
  readonly needsPair: boolean
  /** Texts of an example that run through the model one by one. */
  readonly separateTexts: boolean
  /** The metrics that judge it, example by example; undefined where none does. */
  readonly judgedBy: MetricTask | undefined
  /** The answer in the row of each of an example's texts; absent where texts have many rows. */
  readonly answer?: (rows: readonly Float32Array[]) => unknown
  /** How labelled examples run and are judged where that is not text by text. */
  readonly prepare?: Prepare
}

const classifiers = ['sequence-classification'] as const
const embedders = ['feature-extraction'] as const

const classified: DataTaskRow = {
  models: classifiers,
  target: 'class',
  needsPair: false,
  separateTexts: false,
  judgedBy: 'classification',
  answer: ([row]) => argmax(row!),
}

const dataTasks: Readonly<Record<DataTask, DataTaskRow>> = {
  'text-classification': classified,
  'pair-classification': { ...classified, needsPair: true },
  'multi-label-classification': {
    ...classified,
    target: 'classes',
    judgedBy: 'multi-label',
    answer: ([row]) => classesAbove(row!),
  },
  regression: {
    ...classified,
    target: 'number',
    judgedBy: 'regression',
    answer: ([row]) => row![0]!,
  },
  similarity: {
    models: embedders,
    target: 'number',
    needsPair: true,
    separateTexts: true,
    judgedBy: 'similarity',
    answer: ([first, second]) => cosineSimilarity(first!, second!),
  },
  // a question is as many texts as its context needs windows: `askFile` reads it
  'question-answering': {
    models: ['question-answering'],
    target: 'none',
    needsPair: false,
    separateTexts: false,
    judgedBy: 'question-answering',
  },
  // sentences of words, a row a token: `readTaggedText` reads them
  'token-classification': {
    models: ['token-classification'],
    target: 'tags',
    needsPair: false,
    separateTexts: false,
    judgedBy: 'token-classification',
  },
  'zero-shot': {
    models: [...classifiers, ...embedders],
    target: 'class',
    needsPair: false,
    separateTexts: false,
    judgedBy: undefined,
    prepare: (examples, settings) => zeroShotText(examples as Example<'class'>[], settings),
  },
  reranking: {
    models: [...classifiers, ...embedders],
    target: 'number',
    needsPair: true,
    separateTexts: false,
    judgedBy: undefined,
    prepare: (examples, settings) =>
      rankedText('reranking', examples as Example<'number'>[], settings),
  },
  // every query with every document: too much for a model that reads pairs
  retrieval: {
    models: embedders,
    target: 'number',
    needsPair: true,
    separateTexts: true,
    judgedBy: undefined,
    prepare: (examples, settings) =>
      rankedText('retrieval', examples as Example<'number'>[], settings),
  },
  embeddings: { target: 'none', needsPair: false, separateTexts: false, judgedBy: undefined },
}

/** Whether a name is one of a task. */
export const isDataTask = (name: string): name is DataTask => Object.hasOwn(dataTasks, name)

/** The row of a task. */
export const dataTask = (task: DataTask): DataTaskRow => dataTasks[task]

/** Which columns the user named. */
export interface NamedColumns {
  readonly textPair?: unknown
  readonly label?: unknown
}

/** The task that a model and the named columns make; a given name is checked against the model. */
export function chooseDataTask(
  model: Pick<ModelInfo, 'task' | 'labels' | 'problemType'>,
  columns: NamedColumns,
  given?: string,
): DataTask {
  if (given !== undefined) return checkTask(given, model)
  if (columns.label === undefined) return 'embeddings'
  if (model.task === 'sequence-classification') {
    if (model.problemType === 'multi_label_classification') return 'multi-label-classification'
    if (model.problemType === 'regression' || model.labels.length === 1) return 'regression'
    return columns.textPair === undefined ? 'text-classification' : 'pair-classification'
  }
  if (model.task === 'feature-extraction' && columns.textPair !== undefined) return 'similarity'
  throw new LimbeckError(
    'usage',
    `a ${model.task} model is not measured by a label column${columns.textPair === undefined && model.task === 'feature-extraction' ? ' without a second text' : ''}.`,
    {
      hint:
        model.task === 'feature-extraction'
          ? 'Name both texts (--text, --text-pair) and the score (--label), or leave --label out to compare outputs.'
          : 'Leave --label out to compare outputs with the source model.',
    },
  )
}

/** A given task, if it is one and the model can do it. */
export function checkTask(given: string, model: Pick<ModelInfo, 'task'>): DataTask {
  if (!isDataTask(given)) {
    const known = Object.keys(dataTasks)
    const near = nearest(given, known)
    throw new LimbeckError(
      'usage',
      `--task ${given} is not known; known are ${known.join(', ')}.`,
      {
        ...(near && { hint: `Did you mean ${near}?` }),
      },
    )
  }
  const { models } = dataTasks[given]
  if (!models || models.includes(model.task)) return given
  throw new LimbeckError('usage', `--task ${given} does not fit a ${model.task} model.`, {
    hint: `It is for ${models.join(' or ')} models.`,
  })
}
