/**
 * The task that a model and a data file make, where the user names none: the file's shape and label column
 * first, then the head that the model has.
 */
import { dataExtension } from '../data/read-bytes.ts'
import { readColumnNames, readTable } from '../data/read-table.ts'
import { areQuestions } from '../data/squad-rows.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { Task } from '../models/family.ts'
import { type DataColumns, dataColumns } from './data-columns.ts'
import type { DataOptions } from './measured-text.ts'
import { ownTask } from './own-task.ts'
import { type TrainingTask, trainingTask, trainingTaskNamed } from './training-task.ts'

/** What is known of the model before it has its head. */
export interface TrainableModel extends Pick<ModelInfo, 'task' | 'labels' | 'problemType'> {
  /** Whether it is a sentence-transformers folder. */
  readonly embeds: boolean
}

/** A task, and the columns that are read; absent for files without choice. */
export interface ChosenTask {
  readonly task: TrainingTask
  readonly columns: DataColumns | undefined
}

/** Heads that say what they are trained for. */
const ofHead: Partial<Record<Task, TrainingTask>> = {
  'token-classification': 'token-classification',
  'question-answering': 'question-answering',
}

/** A column of whole numbers with more different values than this is one of scores. */
const MOST_CLASSES = 100

/**
 * Chooses the task.
 * @throws LimbeckError `usage` for a task that is not known, or where it cannot be told.
 */
export async function chooseTrainingTask(
  model: TrainableModel,
  data: DataOptions,
): Promise<ChosenTask> {
  const given = data.task === undefined ? undefined : trainingTaskNamed(data.task)
  const own = given ?? ofHead[model.task] ?? (await shapeTask(data))
  if (own === 'token-classification' || own === 'question-answering') {
    return { task: own, columns: undefined }
  }
  const { task: _, ...untold } = data
  const asked = given === undefined ? untold : { ...data, task: trainingTask(given).data }
  const columns = await dataColumns(asked, readerOf(model, given))
  return { task: given ?? (await tableTask(model, data, columns)), columns }
}

/** A model whose labels are looked for: of classes unless the task says numbers. */
const readerOf = (model: TrainableModel, given: TrainingTask | undefined) => ({
  task: given ? trainingTask(given).model : ('sequence-classification' as const),
  labels: ['0', '1'],
  problemType: model.task === 'sequence-classification' ? model.problemType : undefined,
})

/** Tasks whose files no other task has. */
async function shapeTask(data: DataOptions): Promise<TrainingTask | undefined> {
  const { text, label, ...file } = data
  if (dataExtension(data.file) !== 'json') {
    return (
      (await ownTask({ task: 'question-answering' }, { ...file, text })) ??
      (await ownTask({ task: 'token-classification' }, { ...file, text }))
    )
  }
  if (text !== undefined || label !== undefined) return undefined
  try {
    const names = await readColumnNames(data.file)
    // of articles, or a table of questions
    const asks = names.includes('paragraphs') || areQuestions(names)
    return asks ? 'question-answering' : undefined
  } catch {
    // SQuAD's articles are no table
    return 'question-answering'
  }
}

async function tableTask(
  model: TrainableModel,
  data: DataOptions,
  { textPair, label, header }: DataColumns,
): Promise<TrainingTask> {
  const paired = textPair !== undefined
  if (label === undefined) {
    if (model.task === 'masked-lm') return 'fill-mask'
    if (model.embeds) return 'embeddings'
    throw new LimbeckError(
      'usage',
      `${data.file}: there is no column of labels, and the model has no head that learns without.`,
      { hint: 'Name the column with --label, or the task with --task fill-mask or embeddings.' },
    )
  }
  if (model.task === 'sequence-classification') {
    if (model.problemType === 'multi_label_classification') return 'multi-label-classification'
    if (model.problemType === 'regression' || model.labels.length === 1) return 'regression'
  } else if (await areScores(data, label, header)) {
    return model.embeds && paired ? 'similarity' : 'regression'
  }
  return paired ? 'pair-classification' : 'text-classification'
}

/** Whether a column holds numbers that are no classes. */
async function areScores(
  { file, encoding }: DataOptions,
  label: NonNullable<DataColumns['label']>,
  header: boolean | undefined,
): Promise<boolean> {
  const values = new Set<number>()
  for await (const { cells } of readTable(
    file,
    { label },
    { header: header ?? 'auto', encoding },
  )) {
    const text = String(cells.label ?? '').trim()
    const value = Number(text)
    if (text === '' || !Number.isFinite(value)) return false
    values.add(value)
  }
  return [...values].some((value) => !Number.isInteger(value)) || values.size > MOST_CLASSES
}
