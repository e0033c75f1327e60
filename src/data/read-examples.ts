/**
 * Task examples of a data file: a text or a pair of texts, and what the model should answer.
 *
 * One idea: a task is the kind of its target. One class (text and pair classification), several
 * classes (multi-label), a number (regression, similarity), or none (embeddings, unlabelled text).
 */
import { LimbeckError, showValue } from '../errors.ts'
import type { LabelMap } from './label-map.ts'
import { type Column, readTable, type TableOptions } from './read-table.ts'

/** Kinds of targets and the values that they have. */
export interface Targets {
  /** Nothing: text alone. */
  none: undefined
  /** Class number. */
  class: number
  /** Class numbers, ascending, each once; may be empty. */
  classes: readonly number[]
  /** A finite number. */
  number: number
  /** Class number of each word, of a CoNLL file (`readConll`). */
  tags: readonly number[]
}

/** Kind of an example's target. */
export type TargetKind = keyof Targets

/** One example of a data file. */
export interface Example<K extends TargetKind = TargetKind> {
  readonly text: string
  /** The second text of a pair. */
  readonly textPair?: string
  readonly target: Targets[K]
  /** 1-based line in the file. */
  readonly line: number
}

/** Where the parts of an example stand. */
export interface ExampleColumns {
  readonly text: Column
  readonly textPair?: Column | undefined
  /** Label or score; needed for every kind but `none`. */
  readonly target?: Column | undefined
}

/** How examples are read. */
export interface ExampleOptions<K extends TargetKind> extends TableOptions {
  readonly columns: ExampleColumns
  readonly kind: K
  /** The model's labels, for the kinds `class` and `classes`. */
  readonly labels?: LabelMap | undefined
  /** Most examples to read; all by default. */
  readonly limit?: number | undefined
}

type Parse<K extends TargetKind> = (
  value: unknown,
  where: string,
  labels: LabelMap | undefined,
) => Targets[K]

const parsers: { readonly [K in TargetKind]: Parse<K> } = {
  none: () => undefined,
  class: (value, where, labels) => required(labels).classOf(value, where),
  classes: (value, where, labels) => {
    const map = required(labels)
    const classes = listOf(value, where, map).map((label) => map.classOf(label, where))
    return [...new Set(classes)].sort((a, b) => a - b)
  },
  number: (value, where) => {
    const text = typeof value === 'string' ? value.trim() : value
    const number =
      typeof text === 'number' ||
      (typeof text === 'string' && text !== '') ||
      typeof text === 'bigint'
        ? Number(text)
        : Number.NaN
    if (Number.isFinite(number)) return number
    throw new LimbeckError(
      'input',
      `${where}: expected a number, got '${typeof value === 'string' ? value : showValue(value)}'.`,
      {
        hint: 'Check the score column, and whether the file has a header.',
      },
    )
  },
  tags: (_, where) => {
    throw new LimbeckError('usage', `${where}: tags of words are read from CoNLL files.`)
  },
}

/**
 * Reads examples one by one; memory does not grow with the file.
 * @throws LimbeckError as `readTable` does, and for a text that is none or a label unknown to the
 *   model; the message names file and line.
 */
export async function* readExamples<K extends TargetKind>(
  path: string,
  options: ExampleOptions<K>,
): AsyncGenerator<Example<K>> {
  const { columns, kind, labels, limit = Number.POSITIVE_INFINITY } = options
  if (limit <= 0) return
  let count = 0
  for await (const { line, cells } of readTable(path, wanted(columns, kind), options)) {
    const where = `${path}:${line}`
    const target = parsers[kind](cells.target, where, labels)
    const text = textOf(cells.text, where)
    if (columns.textPair === undefined) yield { text, target, line }
    else yield { text, textPair: textOf(cells.textPair, where), target, line }
    if (++count >= limit) return
  }
}

function wanted(columns: ExampleColumns, kind: TargetKind): Record<string, Column> {
  const wanted: Record<string, Column> = { text: columns.text }
  if (columns.textPair !== undefined) wanted.textPair = columns.textPair
  if (kind === 'none') return wanted
  if (columns.target === undefined) {
    throw new LimbeckError('usage', 'no column is named for the label or score of the data.', {
      hint: 'Name it with --label.',
    })
  }
  return { ...wanted, target: columns.target }
}

function textOf(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  throw new LimbeckError('input', `${where}: expected a text, got ${got}.`, {
    hint: 'Name the column that holds the text.',
  })
}

/**
 * Labels of a cell: a JSON array, or names parted by '|' or ','. A name may itself hold a comma.
 */
function listOf(value: unknown, where: string, labels: LabelMap): readonly unknown[] {
  if (Array.isArray(value)) return value
  const text = (typeof value === 'object' ? showValue(value ?? '') : String(value ?? '')).trim()
  if (text === '') return []
  if (labels.find(text) !== undefined) return [text]
  if (!text.startsWith('[')) return text.split(text.includes('|') ? '|' : ',')
  try {
    return JSON.parse(text) as unknown[]
  } catch (cause) {
    throw new LimbeckError('input', `${where}: expected a JSON array of labels, got '${text}'.`, {
      hint: "Part labels by '|' or ',', or correct the array.",
      cause,
    })
  }
}

function required(labels: LabelMap | undefined): LabelMap {
  if (labels) return labels
  throw new LimbeckError('usage', 'class targets need the labels of the model.', {
    hint: "Give 'labels: labelMap(config.id2label)'.",
  })
}
