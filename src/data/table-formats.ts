/**
 * Formats of tabular text, one row of a table each, chosen by the file's extension.
 *
 * TSV is cut at TABs without any quoting: GLUE's files hold unbalanced quote characters that are
 * part of the text. CSV is RFC 4180 by csv-parse. JSONL holds one object (or array) per line.
 * `.json` is an array of objects, alone or as `data` of an object. `.parquet` is read by row groups. `.txt`
 * is one text per line. `.label` is the TREC question file: `COARSE:fine the question`.
 */
import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { LimbeckError, showValue } from '../errors.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { dataExtension } from './read-bytes.ts'
import { readJsonRows } from './read-json-rows.ts'
import { parquetClassNames, parquetColumns, readParquet } from './read-parquet.ts'
import { readBlocks, readLines } from './read-text.ts'

/** A row as its format gives it: cells in order, or by name (JSON objects). */
export interface RawRow {
  /** 1-based line number in the file; of a CSV record over several lines, the last; of Parquet, the row. */
  readonly line: number
  readonly cells: readonly unknown[] | Readonly<Record<string, unknown>>
}

/** How a file's bytes are cut into rows. */
export interface ReadOptions {
  /** Encoding label (see `readBlocks`); UTF-8 by default. */
  readonly encoding?: string | undefined
  /** Delimiter of CSV; ',' by default. */
  readonly delimiter?: string | undefined
  /** Names of the columns that are wanted; formats that store columns apart read no other. */
  readonly only?: readonly string[] | undefined
}

/** One format of tabular text. */
export interface TableFormat {
  /**
   * How rows know their columns: a header line may come first, names are fixed, each row has keys, or
   * the file has a schema (rows then have keys too).
   */
  readonly names: 'header' | 'keys' | 'schema' | readonly string[]
  read(path: string, options: ReadOptions): AsyncGenerator<RawRow>
  /** Names of the columns, for `schema`. */
  readonly columns?: (path: string) => Promise<readonly string[]>
  /** Names of a column's classes where the file tells them. */
  readonly classNames?: (path: string, column: string) => Promise<readonly string[] | undefined>
}

/** Known formats by name; the name is also the file extension. */
export const tableFormats = {
  tsv: { names: 'header', read: readTsv },
  csv: { names: 'header', read: readCsv },
  jsonl: { names: 'keys', read: readJsonl },
  json: { names: 'keys', read: readJsonRows },
  parquet: {
    names: 'schema',
    read: (path, { only }) => readParquet(path, only),
    columns: parquetColumns,
    classNames: parquetClassNames,
  },
  txt: { names: ['text'], read: readTexts },
  label: { names: ['label', 'fine', 'text'], read: readTrec },
} as const satisfies Record<string, TableFormat>

/** Name of a known format. */
export type TableFormatName = keyof typeof tableFormats

const aliases: Readonly<Record<string, TableFormatName>> = {
  tab: 'tsv',
  ndjson: 'jsonl',
  parq: 'parquet',
  pq: 'parquet',
}

/** Compressions that Node 20 does not unpack as a stream. */
const packed = { zst: true, zip: true, bz2: true, xz: true, '7z': true, tar: true, tgz: true }

/**
 * The format of a file, by its extension (`.gz` and `.br` aside), or the named one.
 * @throws LimbeckError for an unknown extension or name, with those we know.
 */
export function tableFormat(path: string, name?: string): TableFormat {
  const extension = dataExtension(path)
  const wanted = (name ?? extension).toLowerCase()
  const known = aliases[wanted] ?? wanted
  if (Object.hasOwn(tableFormats, known)) return tableFormats[known as TableFormatName]
  const what =
    name === undefined ? `${path}: unknown extension '.${extension}'` : `format '${name}'`
  throw new LimbeckError('usage', `${what}; known are ${Object.keys(tableFormats).join(', ')}.`, {
    hint:
      name === undefined && Object.hasOwn(packed, extension)
        ? 'Of compressed files .gz and .br are read; unpack it first.'
        : 'Give the file one of these endings.',
  })
}

async function* readTsv(path: string, { encoding }: ReadOptions): AsyncGenerator<RawRow> {
  for await (const { line, text } of readLines(path, encoding)) {
    if (text !== '') yield { line, cells: text.split('\t') }
  }
}

async function* readTexts(path: string, { encoding }: ReadOptions): AsyncGenerator<RawRow> {
  for await (const { line, text } of readLines(path, encoding)) {
    if (text.trim() !== '') yield { line, cells: [text] }
  }
}

async function* readJsonl(path: string, { encoding }: ReadOptions): AsyncGenerator<RawRow> {
  for await (const { line, text } of readLines(path, encoding)) {
    if (text.trim() === '') continue
    let cells: unknown
    try {
      cells = parseJson(text)
    } catch (cause) {
      const reason = (cause as Error).message.replace(/\s+/g, ' ')
      throw new LimbeckError('input', `${path}:${line}: this line is not JSON: ${reason}.`, {
        hint: 'JSONL holds one JSON object per line.',
        cause,
      })
    }
    if (typeof cells !== 'object' || cells === null) {
      throw new LimbeckError(
        'input',
        `${path}:${line}: expected a JSON object, got ${showValue(cells)}.`,
        { hint: 'JSONL holds one JSON object per line.' },
      )
    }
    yield { line, cells: cells as RawRow['cells'] }
  }
}

async function* readTrec(path: string, { encoding }: ReadOptions): AsyncGenerator<RawRow> {
  for await (const { line, text } of readLines(path, encoding)) {
    if (text === '') continue
    // without s, a line separator in the text would make it try every space again
    const parts = /^([^\s:]+):(\S+)\s+(.*)$/s.exec(text)
    if (!parts) {
      throw new LimbeckError(
        'input',
        `${path}:${line}: expected 'COARSE:fine question' as in TREC, got '${text.slice(0, 40)}'.`,
        { hint: 'Convert the file, or give it the ending of what it holds.' },
      )
    }
    yield { line, cells: parts.slice(1) }
  }
}

async function* readCsv(path: string, options: ReadOptions): AsyncGenerator<RawRow> {
  const parser = parse({
    delimiter: options.delimiter ?? ',',
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    // one forgotten quote must not pull the whole file into memory
    max_record_size: 16 * 1024 * 1024,
  })
  const source = Readable.from(textsOf(path, options.encoding))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  try {
    for await (const { record, info } of parser) yield { line: info.lines, cells: record }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const reason = cause.message.replace(/\s+/g, ' ').replace(/\.$/, '')
    throw new LimbeckError('input', `${path}:${cause.lines ?? '?'}: malformed CSV: ${reason}.`, {
      hint: 'Quote fields as RFC 4180 says, or give the file the ending .tsv when tabs part its columns.',
      cause,
    })
  } finally {
    source.destroy()
  }
}

async function* textsOf(path: string, encoding?: string): AsyncGenerator<string> {
  for await (const { text } of readBlocks(path, encoding)) yield text
}
