/**
 * Rows of a data file with the columns that are asked for, by name or 1-based number, streamed.
 *
 * Every row knows its line, so that an error can say where. With a header each row must have as
 * many cells as the header: a TAB or comma too many shifts columns silently. Without one a row must
 * reach the highest column asked for; some published files (STS-B) carry extra cells in some rows.
 */
import { LimbeckError, nearest } from '../errors.ts'
import { type RawRow, type ReadOptions, type TableFormat, tableFormat } from './table-formats.ts'

/** A column by name or by 1-based number. */
export type Column = string | number

/** How a data file is read. */
export interface TableOptions extends ReadOptions {
  /** A name of `tableFormats`; by default the file's extension decides. */
  readonly format?: string | undefined
  /**
   * Whether the first line names the columns. `auto`: yes, unless all columns are asked by number.
   * Files whose columns are fixed (`.txt`, `.label`) or named in each row (JSONL) have none.
   */
  readonly header?: boolean | 'auto' | undefined
}

/** The cells asked for, of one row; `line` is its 1-based number in the file. */
export interface TableRow<K extends string> {
  readonly line: number
  readonly cells: Readonly<Record<K, unknown>>
}

/** A column as a command line gives it: digits are a 1-based number, all else is a name. */
export const parseColumn = (text: string): Column => (/^[1-9]\d*$/.test(text) ? Number(text) : text)

/**
 * Reads the columns asked for, row by row.
 * @param columns what each cell is called in the rows, and the column it comes from.
 * @throws LimbeckError for a file that cannot be read, a missing column, a ragged row, no rows.
 */
export async function* readTable<K extends string>(
  path: string,
  columns: Readonly<Record<K, Column>>,
  options: TableOptions = {},
): AsyncGenerator<TableRow<K>> {
  const format = tableFormat(path, options.format)
  const asked = Object.entries(columns) as [K, Column][]
  const hasHeader = headerExpected(format, options.header, Object.values(columns))
  let names = Array.isArray(format.names) ? (format.names as readonly string[]) : undefined
  let locate: Locate | undefined
  let rows = 0
  let only: readonly string[] | undefined
  if (format.columns) {
    const known = await format.columns(path)
    only = asked.map(([, column]) => known[columnIndex(path, column, known)]!)
    locate = keyLocator(path, only)
  }
  for await (const row of format.read(path, { ...options, only })) {
    if (hasHeader && names === undefined) {
      names = (row.cells as readonly unknown[]).map(String)
      continue
    }
    locate ??= locator(path, row, asked, names)
    const found = locate(row)
    const cells = Object.fromEntries(asked.map(([key], i) => [key, found[i]])) as Record<K, unknown>
    yield { line: row.line, cells }
    rows++
  }
  if (rows === 0) {
    const found = hasHeader && names ? 'only a header' : 'nothing'
    throw new LimbeckError('input', `${path}: expected rows of data, got ${found}.`, {
      hint: 'Check that the file is the right one and is complete.',
    })
  }
}

/** The names of a file's columns: from its header, its format, or the keys of its first object. */
export async function readColumnNames(path: string, options: TableOptions = {}): Promise<string[]> {
  const format = tableFormat(path, options.format)
  if (Array.isArray(format.names)) return [...format.names]
  if (format.columns) return [...(await format.columns(path))]
  for await (const { cells } of format.read(path, options)) {
    return Array.isArray(cells) ? cells.map(String) : Object.keys(cells)
  }
  return []
}

/** The names of a column's classes, where its file tells them, as Hugging Face's Parquet files do. */
export async function readClassNames(
  path: string,
  column: Column,
  options: TableOptions = {},
): Promise<readonly string[] | undefined> {
  const format = tableFormat(path, options.format)
  if (!format.classNames || !format.columns) return undefined
  const names = await format.columns(path)
  return format.classNames(path, names[columnIndex(path, column, names)]!)
}

type Locate = (row: RawRow) => readonly unknown[]

function headerExpected(
  format: TableFormat,
  header: TableOptions['header'],
  columns: readonly unknown[],
): boolean {
  if (format.names !== 'header') return false
  if (typeof header === 'boolean') return header
  return columns.some((column) => typeof column === 'string')
}

/** Decides once, at the first row, where each column is found; the result checks every row. */
function locator(
  path: string,
  row: RawRow,
  asked: readonly (readonly [string, Column])[],
  names: readonly string[] | undefined,
): Locate {
  if (!Array.isArray(row.cells)) {
    return keyLocator(
      path,
      asked.map(([, column]) => column),
    )
  }
  const width = names?.length ?? 0
  const indices = asked.map(([, column]) => columnIndex(path, column, names))
  const reach = Math.max(...indices) + 1
  return ({ line, cells }) => {
    const values = cells as readonly unknown[]
    const fits = names ? values.length === width : values.length >= reach
    if (fits) return indices.map((index) => values[index])
    const expected = names ? `${width} columns as in the header` : `at least ${reach} columns`
    const where = `${path}:${line}`
    throw new LimbeckError('input', `${where}: expected ${expected}, got ${values.length}.`, {
      hint: 'Correct this row, or name the format or delimiter of the file.',
    })
  }
}

function keyLocator(path: string, columns: readonly Column[]): Locate {
  return ({ line, cells }) => {
    const record = cells as Readonly<Record<string, unknown>>
    return columns.map((column) => {
      const name = typeof column === 'number' ? Object.keys(record)[column - 1] : column
      if (name !== undefined && Object.hasOwn(record, name)) return record[name]
      throw missingColumn(`${path}:${line}`, column, Object.keys(record))
    })
  }
}

function columnIndex(path: string, column: Column, names: readonly string[] | undefined): number {
  if (typeof column === 'number') {
    if (!Number.isInteger(column) || column < 1 || (names && column > names.length)) {
      throw missingColumn(path, column, names ?? [])
    }
    return column - 1
  }
  if (names === undefined) {
    throw new LimbeckError(
      'usage',
      `${path}: column '${column}' has no name in a headerless file.`,
      {
        hint: 'Give columns by number, the first is 1, or say that there is a header.',
      },
    )
  }
  const index = names.indexOf(column)
  if (index < 0) throw missingColumn(path, column, names)
  if (names.indexOf(column, index + 1) >= 0) {
    throw new LimbeckError('input', `${path}: two columns are named '${column}'.`, {
      hint: 'Give the column by number, the first is 1.',
    })
  }
  return index
}

function missingColumn(where: string, column: Column, names: readonly string[]): LimbeckError {
  const shown = names.map((name) => `'${name.slice(0, 40)}'`).join(', ')
  const near = nearest(String(column), names)
  const what = typeof column === 'number' ? `no column number ${column}` : `no column '${column}'`
  return new LimbeckError(
    'input',
    `${where}: ${what}; the columns are ${shown || 'without names'}.`,
    {
      hint:
        near === undefined
          ? 'Give a column of this list, or columns by number where the file has no header.'
          : `Did you mean '${near}'?`,
    },
  )
}
