/**
 * Rows of a Parquet file, a row group at a time and of it only the columns asked for: memory is bounded by
 * what one row group holds of them.
 *
 * Values become what JSON would hold: whole numbers of 64 bits are numbers, lists are arrays, structs are
 * objects. The names of classes stand in the metadata that Hugging Face's `datasets` writes.
 */
import { type ParquetReadOptions, parquetReadObjects } from 'hyparquet'
import { LimbeckError } from '../errors.ts'
import { parseJson } from '../onnx/parse-json.ts'
import { checkPages } from './check-pages.ts'
import { parquetCodecs } from './parquet-codecs.ts'
import { malformed, openParquet, type ParquetFile } from './parquet-file.ts'

/** A row, and its number from 1. */
export interface ParquetRow {
  readonly line: number
  readonly cells: Readonly<Record<string, unknown>>
}

type Chunk = ParquetFile['metadata']['row_groups'][number]['columns'][number]

/** Reads the rows of a file. @param columns the columns to read; all by default. */
export async function* readParquet(
  path: string,
  columns?: readonly string[],
): AsyncGenerator<ParquetRow> {
  const file = await openParquet(path)
  try {
    let first = 0
    for (const group of file.metadata.row_groups) {
      const wanted = group.columns.filter(
        ({ meta_data }) => !columns || columns.includes(meta_data!.path_in_schema[0]!),
      )
      const count = Number(group.num_rows)
      const rows = await readGroup(path, file, wanted, first, count, columns)
      for (const [i, cells] of rows.entries()) yield { line: first + i + 1, cells: plain(cells) }
      first += count
    }
  } finally {
    await file.close()
  }
}

/** Names of a file's columns. */
export async function parquetColumns(path: string): Promise<readonly string[]> {
  const file = await openParquet(path)
  await file.close()
  return file.columns
}

async function readGroup(
  path: string,
  file: ParquetFile,
  chunks: readonly Chunk[],
  first: number,
  count: number,
  columns: readonly string[] | undefined,
): Promise<Readonly<Record<string, unknown>>[]> {
  const held: { readonly start: number; readonly bytes: ArrayBuffer }[] = []
  for (const { meta_data } of chunks) {
    const meta = meta_data!
    checkCodec(path, meta.codec)
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
    const bytes = await file.read(start, start + Number(meta.total_compressed_size))
    try {
      checkPages(bytes, meta, file.metadata.schema)
    } catch (cause) {
      if (cause instanceof LimbeckError) throw cause
      const reason = `column ${meta.path_in_schema.join('.')}: ${(cause as Error).message}`
      throw malformed(path, reason.replace(/\.$/, ''), cause)
    }
    held.push({ start, bytes })
  }
  // neighbours are asked for together; what lies between them is not looked at
  const slice = (start: number, end: number): ArrayBuffer => {
    const bytes = new Uint8Array(end - start)
    for (const own of held) {
      const from = Math.max(start, own.start)
      const to = Math.min(end, own.start + own.bytes.byteLength)
      if (from >= to) continue
      bytes.set(new Uint8Array(own.bytes, from - own.start, to - from), from - start)
    }
    return bytes.buffer
  }
  const options: ParquetReadOptions = {
    file: {
      byteLength: Number.MAX_SAFE_INTEGER,
      slice: async (start: number, end?: number) => slice(start, end ?? start),
    },
    metadata: file.metadata,
    rowStart: first,
    rowEnd: first + count,
    compressors: parquetCodecs,
    ...(columns && { columns: [...columns] }),
  }
  const rows = await parquetReadObjects(options).catch((cause: Error) => {
    if (cause instanceof LimbeckError) throw cause
    throw malformed(path, cause.message.replace(/\s+/g, ' ').replace(/\.$/, ''), cause)
  })
  if (rows.length === count) return rows
  throw malformed(path, `a group of ${count} rows holds ${rows.length}`)
}

function checkCodec(path: string, codec: string | undefined): void {
  if (codec === 'UNCOMPRESSED' || (codec !== undefined && Object.hasOwn(parquetCodecs, codec)))
    return
  const known = Object.keys(parquetCodecs).join(', ')
  throw new LimbeckError(
    'input',
    `${path}: compressed by ${codec ?? 'an unknown codec'}, which is not known; known are ${known}.`,
    { hint: 'Write the file with snappy or zstd.' },
  )
}

/** A value as JSON would hold it. */
function plain<T>(value: T): T
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, plain)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

/** The names of a column's classes, as `datasets` writes them for a ClassLabel or a list of them. */
export async function parquetClassNames(
  path: string,
  column: string,
): Promise<readonly string[] | undefined> {
  const { metadata, close } = await openParquet(path)
  await close()
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value
  if (text === undefined) return undefined
  let features: unknown
  try {
    features = (parseJson(text) as { info?: { features?: unknown } }).info?.features
  } catch {
    return undefined
  }
  if (typeof features !== 'object' || features === null) return undefined
  return namesOf((features as Record<string, unknown>)[column])
}

function namesOf(feature: unknown): readonly string[] | undefined {
  if (Array.isArray(feature)) return feature.length === 1 ? namesOf(feature[0]) : undefined
  if (typeof feature !== 'object' || feature === null) return undefined
  const { names, feature: inner } = feature as { names?: unknown; feature?: unknown }
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string')
  return isList ? (names as string[]) : inner === undefined ? undefined : namesOf(inner)
}
