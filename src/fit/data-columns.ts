/**
 * Which columns of a data file are read: those that the user named, and for the rest the ones that are
 * known by their names, or by the shape of a known headerless file.
 */
import {
  columnsOfFirstRow,
  type FoundColumns,
  findColumns,
  type Part,
} from '../data/known-columns.ts'
import { type Column, parseColumn, readColumnNames } from '../data/read-table.ts'
import { tableFormat } from '../data/table-formats.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { dataTask, isDataTask } from './data-task.ts'

/** Columns as a user names them; see `DataOptions`. */
export interface NamedColumns {
  readonly file: string
  readonly text?: string | undefined
  readonly textPair?: string | undefined
  readonly label?: string | undefined
  readonly task?: string | undefined
  readonly encoding?: string | undefined
  readonly header?: boolean | undefined
}

/** The columns that are read, and which of them nobody named. */
export interface DataColumns {
  readonly text: Column
  readonly textPair?: Column
  readonly label?: Column
  readonly found: readonly Part[]
  /** Whether the first line names the columns; undefined where the columns tell. */
  readonly header?: boolean | undefined
}

/**
 * Decides the columns of a table.
 * @throws LimbeckError when the text, or a label that the task needs, cannot be told.
 */
export async function dataColumns(
  data: NamedColumns,
  model: Pick<ModelInfo, 'task' | 'labels' | 'problemType'>,
): Promise<DataColumns> {
  const given = givenColumns(data)
  const format = tableFormat(data.file)
  const header = data.header
  const byNumber = Object.values(given).every((column) => typeof column === 'number')
  const withoutNames =
    format.names === 'header' && (header === false || (given.text !== undefined && byNumber))
  if (withoutNames && given.text !== undefined) {
    return { ...given, text: given.text, found: [], header }
  }
  const names = await readColumnNames(data.file, { encoding: data.encoding })
  const shaped = format.names === 'header' && header !== true && columnsOfFirstRow(names)
  const found: FoundColumns = shaped
    ? shapedColumns(shaped, given, wantedLabel(data, model, shaped.textPair !== undefined))
    : withoutNames
      ? {}
      : searchedColumns(names, given, data, model)
  // a file without rows has its own error, which its reader gives
  const all = { ...(names.length === 0 && { text: 'text' }), ...found, ...given }
  if (all.text === undefined) throw noText(data.file, withoutNames ? [] : names)
  return {
    ...all,
    text: all.text,
    found: (Object.keys(found) as Part[]).filter((part) => given[part] === undefined),
    header: header ?? (shaped ? false : Object.keys(found).length > 0 ? true : undefined),
  }
}

function givenColumns({ text, textPair, label }: NamedColumns): FoundColumns {
  const given = { text, textPair, label }
  const named = Object.entries(given).filter(([, column]) => column !== undefined)
  return Object.fromEntries(named.map(([part, column]) => [part, parseColumn(column!)]))
}

function searchedColumns(
  names: readonly string[],
  given: FoundColumns,
  data: NamedColumns,
  model: Pick<ModelInfo, 'task' | 'labels' | 'problemType'>,
): FoundColumns {
  const texts = findColumns(names, { given, label: 'none' }, data.file)
  const known = { ...texts, ...given }
  const label = wantedLabel(data, model, known.textPair !== undefined)
  return { ...texts, ...findColumns(names, { given: known, label }, data.file) }
}

/** The columns of a known shape, unless the user reads it otherwise. */
function shapedColumns(
  shape: FoundColumns,
  given: FoundColumns,
  label: ReturnType<typeof wantedLabel>,
): FoundColumns {
  if (given.text !== undefined) return {}
  const { label: target, ...texts } = shape
  return label === 'none' || target === undefined ? texts : { ...texts, label: target }
}

/** Whether a label is looked for that nobody named. */
function wantedLabel(
  { task }: NamedColumns,
  model: Pick<ModelInfo, 'task' | 'labels' | 'problemType'>,
  hasPair: boolean,
): 'none' | 'class' | 'number' {
  if (task !== undefined && isDataTask(task)) return labelKinds[dataTask(task).target]
  if (model.task === 'feature-extraction') return hasPair ? 'number' : 'none'
  if (model.task !== 'sequence-classification') return 'none'
  const isNumber = model.problemType === 'regression' || model.labels.length === 1
  return isNumber ? 'number' : 'class'
}

const labelKinds = {
  none: 'none',
  class: 'class',
  classes: 'class',
  number: 'number',
  tags: 'none',
} as const satisfies Record<ReturnType<typeof dataTask>['target'], string>

function noText(file: string, names: readonly string[]): LimbeckError {
  const shown = names.slice(0, 12).map((name) => `'${name.slice(0, 40)}'`)
  const more = names.length > 12 ? ', …' : ''
  const among = shown.length > 0 ? `; the columns are ${shown.join(', ')}${more}` : ''
  return new LimbeckError('usage', `${file}: cannot tell which column holds the text${among}.`, {
    hint: 'Name it with --text, by name or number from 1.',
  })
}

/** Such as `text 'sentence', label 'label'`. */
export function columnsText({ text, textPair, label }: DataColumns): string {
  const shown = (part: string, column: Column | undefined) =>
    column === undefined
      ? []
      : [`${part} ${typeof column === 'number' ? `column ${column}` : `'${column}'`}`]
  return [...shown('text', text), ...shown('second text', textPair), ...shown('label', label)].join(
    ', ',
  )
}
