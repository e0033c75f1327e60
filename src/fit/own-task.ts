/**
 * The task of a file whose shape is that of one task alone: questions with contexts, sentences with tags.
 * Everything else is a table of texts, whose columns and model make the task.
 */
import { dataExtension } from '../data/read-bytes.ts'
import { readColumnNames } from '../data/read-table.ts'
import { isTaggedTable } from '../data/read-tagged.ts'
import { areQuestions } from '../data/squad-rows.ts'
import { areSentences } from '../data/tagged-rows.ts'
import type { ModelInfo } from '../models/build-model.ts'
import type { DataTask } from './data-task.ts'

interface AskedFile {
  readonly file: string
  readonly text?: string | undefined
  readonly label?: string | undefined
  readonly task?: string | undefined
}

type OwnTask = Extract<DataTask, 'question-answering' | 'token-classification'>

const shapes: Readonly<Record<OwnTask, (data: AskedFile) => Promise<boolean>>> = {
  'question-answering': async ({ file, text }) =>
    dataExtension(file) === 'json' ||
    (isTaggedTable(file) && text === undefined && areQuestions(await readColumnNames(file))),
  'token-classification': async ({ file, label }) =>
    label !== undefined ||
    dataExtension(file) === 'conll' ||
    (isTaggedTable(file) && areSentences(await readColumnNames(file))),
}

/** The task that a file's shape says, or that was given and has a shape of its own. */
export async function ownTask(
  model: Pick<ModelInfo, 'task'>,
  data: AskedFile,
): Promise<OwnTask | undefined> {
  const task = data.task ?? model.task
  if (!isOwn(task)) return undefined
  return data.task !== undefined || (await shapes[task](data)) ? task : undefined
}

const isOwn = (task: string): task is OwnTask => Object.hasOwn(shapes, task)
