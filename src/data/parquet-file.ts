/**
 * An open Parquet file: its metadata, checked before anything is allocated by it, and its bytes by range.
 *
 * hyparquet reads the format (https://parquet.apache.org/docs/file-format/); what a hostile or cut file
 * could make it do is refused here first, by the numbers that the metadata itself gives.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { type FileMetaData, parquetMetadataAsync } from 'hyparquet'
import { LimbeckError } from '../errors.ts'
import { unreadable } from './read-bytes.ts'
import { checkRegular } from './regular-file.ts'

/** A file that is open for reading; `close` it. */
export interface ParquetFile {
  readonly metadata: FileMetaData
  /** Names of the columns, nested ones by their outermost. */
  readonly columns: readonly string[]
  /** The bytes of a range. */
  read(start: number, end: number): Promise<ArrayBuffer>
  close(): Promise<void>
}

/** The metadata of any file that holds text is far below that. */
const LARGEST_METADATA = 256 * 1024 * 1024

/**
 * Opens a Parquet file.
 * @throws LimbeckError for what is none, is cut short, encrypted, or says what cannot be.
 */
export async function openParquet(path: string): Promise<ParquetFile> {
  await checkRegular(path)
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  try {
    const { size } = await handle.stat()
    await checkEnds(handle, path, size)
    const read = (start: number, end: number) => readRange(handle, path, start, end, size)
    const file = { byteLength: size, slice: (start: number, end = size) => read(start, end) }
    const metadata = await parquetMetadataAsync(file, { geoparquet: false }).catch((cause) => {
      throw malformed(path, 'its metadata does not parse', cause)
    })
    checkMetadata(path, metadata, size)
    const columns = [
      ...new Set(metadata.row_groups[0]?.columns.map((c) => c.meta_data!.path_in_schema[0]!)),
    ]
    return {
      metadata,
      columns: columns.length > 0 ? columns : topLevelNames(metadata),
      read,
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A file that says of itself what is not so. */
export const malformed = (path: string, what: string, cause?: unknown): LimbeckError =>
  new LimbeckError('input', `${path}: not a sound Parquet file: ${what}.`, {
    hint: 'The file may be cut short or damaged; copy or download it again.',
    ...(cause !== undefined && { cause }),
  })

async function readRange(
  handle: FileHandle,
  path: string,
  start: number,
  end: number,
  size: number,
): Promise<ArrayBuffer> {
  if (!(start >= 0 && start <= end && end <= size)) {
    throw malformed(path, `bytes ${start}-${end} are not in its ${size}`)
  }
  const bytes = new Uint8Array(end - start)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) throw malformed(path, `it ends at byte ${start + done}`)
    done += bytesRead
  }
  return bytes.buffer
}

/** A Parquet file begins and ends with PAR1; PARE says that its metadata is encrypted. */
async function checkEnds(handle: FileHandle, path: string, size: number): Promise<void> {
  const word = async (at: number) => {
    const bytes = await readRange(handle, path, at, at + 4, size)
    return Buffer.from(bytes).toString('latin1')
  }
  if (size < 12) throw malformed(path, `it has ${size} bytes, a Parquet file at least 12`)
  const [first, last] = [await word(0), await word(size - 4)]
  if (first === 'PARE' || last === 'PARE') throw encrypted(path)
  if (first !== 'PAR1') throw malformed(path, `it begins with ${JSON.stringify(first)}, not PAR1`)
  if (last !== 'PAR1') throw malformed(path, 'it does not end with PAR1')
  const length = new DataView(await readRange(handle, path, size - 8, size - 4, size))
  const metadata = length.getUint32(0, true)
  if (metadata > Math.min(size - 12, LARGEST_METADATA)) {
    throw malformed(path, `its metadata of ${metadata} bytes does not fit in it`)
  }
}

const encrypted = (path: string): LimbeckError =>
  new LimbeckError('input', `${path}: the file is encrypted, which is not supported.`, {
    hint: 'Write it without encryption.',
  })

/** More rows in a group, or values in a column of it, than any writer makes. */
const MOST_VALUES = 2 ** 26
const LARGEST_CHUNK = 2 ** 31 - 1

function checkMetadata(path: string, metadata: FileMetaData, size: number): void {
  const within = (what: string, value: unknown, most: number): void => {
    const number = typeof value === 'bigint' ? Number(value) : value
    if (typeof number === 'number' && number >= 0 && number <= most) return
    throw malformed(path, `${what} is ${String(value)}, expected 0 to ${most}`)
  }
  let rows = 0n
  for (const [i, group] of metadata.row_groups.entries()) {
    within(`the number of rows of group ${i}`, group.num_rows, MOST_VALUES)
    rows += group.num_rows
    for (const column of group.columns) {
      if (column.crypto_metadata || column.encrypted_column_metadata) throw encrypted(path)
      const meta = column.meta_data
      if (!meta || meta.path_in_schema.length === 0) {
        throw malformed(path, `a column of group ${i} is not described`)
      }
      const name = meta.path_in_schema.join('.')
      const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset)
      within(`the place of column ${name}`, start, size)
      within(`the size of column ${name}`, meta.total_compressed_size, size - start)
      within(`the unpacked size of column ${name}`, meta.total_uncompressed_size, LARGEST_CHUNK)
      within(`the number of values of column ${name}`, meta.num_values, MOST_VALUES)
    }
  }
  if (rows !== metadata.num_rows) {
    throw malformed(path, `it says ${metadata.num_rows} rows, its groups ${rows}`)
  }
}

/** Of a file without row groups. */
function topLevelNames({ schema }: FileMetaData): string[] {
  const names: string[] = []
  for (let at = 1; at < schema.length; at++) {
    names.push(schema[at]!.name)
    for (let left = schema[at]!.num_children ?? 0; left > 0 && at + 1 < schema.length; left--) {
      left += schema[++at]!.num_children ?? 0
    }
  }
  return names
}
