/**
 * Checks the pages of a Parquet column before they are decoded: hyparquet believes the counts it reads, and
 * a run of two thousand million equal values takes five bytes to say.
 *
 * Every page must unpack to what its column says it may, hold no more values than the column has left, and
 * its runs (levels and dictionary indices) no more than the page. What passes decodes within those bounds.
 * Layout: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import type { ColumnMetaData, DataReader, PageHeader, SchemaElement } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import {
  getMaxDefinitionLevel,
  getMaxRepetitionLevel,
  getSchemaPath,
} from 'hyparquet/src/schema.js'
import { readVarInt } from 'hyparquet/src/thrift.js'
import { parquetCodecs } from './parquet-codecs.ts'

/** Room that page headers and rounding take beyond the sizes of the metadata. */
const SLACK = 1024 * 1024
/** Of DEFLATE (zlib's technical details); repetition beyond that is for a dictionary to say. */
const BEST_RATIO = 1032
/** Writers cut pages at 1 MiB by default, some at 8. */
const LARGEST_PAGE = 16 * 1024 * 1024

/** @throws Error that says what is wrong with the pages of the column. */
export function checkPages(
  bytes: ArrayBuffer,
  meta: ColumnMetaData,
  schema: SchemaElement[],
): void {
  const path = getSchemaPath(schema, meta.path_in_schema)
  const levels = [getMaxRepetitionLevel(path), getMaxDefinitionLevel(path)] as const
  // the metadata may lie; nor does a page unpack to more than gzip's best, beyond what writers put in one
  const most = Math.min(
    Number(meta.total_uncompressed_size) + SLACK,
    bytes.byteLength * BEST_RATIO + LARGEST_PAGE,
  )
  const reader: DataReader = { view: new DataView(bytes), offset: 0 }
  let left = Number(meta.num_values)
  while (reader.offset < bytes.byteLength - 1 && left > 0) {
    const header = parquetHeader(reader)
    const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header
    within('size of a page', packed, bytes.byteLength - reader.offset)
    within('unpacked size of a page', unpacked, most)
    const page = new Uint8Array(bytes, reader.offset, packed)
    reader.offset += packed
    if (header.type === 'DICTIONARY_PAGE') {
      // each value takes a byte at least, but for booleans, which have no dictionary
      within('size of a dictionary', header.dictionary_page_header?.num_values, unpacked)
    } else left -= checkDataPage(page, header, meta, levels, left)
  }
  if (left > 0) throw new Error(`${left} of its ${meta.num_values} values are missing`)
}

type Levels = readonly [repetition: number, definition: number]

/** The number of values of a data page. */
function checkDataPage(
  page: Uint8Array,
  header: PageHeader,
  { codec, type }: ColumnMetaData,
  levels: Levels,
  left: number,
): number {
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header
  const count = (v1 ?? v2)?.num_values
  within('number of values of a page', count, left)
  const encoding = (v1 ?? v2)!.encoding
  const values = (view: DataView, offset: number): void => {
    if (!encoding.endsWith('DICTIONARY') && encoding !== 'RLE') return
    if (offset >= view.byteLength) return
    const isBoolean = type === 'BOOLEAN'
    const width = isBoolean ? 1 : view.getUint8(offset)
    within('width of an index', width, 32)
    const start = offset + (isBoolean ? 4 : 1)
    if (width > 0) checkRuns({ view, offset: start }, width, count!, view.byteLength)
  }
  if (v1) {
    const view = viewOf(decompressPage(page, size, codec, parquetCodecs))
    let offset = 0
    for (const level of levels) {
      if (level === 0) continue
      const length = view.getUint32(offset, true)
      within('size of the levels', length, view.byteLength - offset - 4)
      offset += 4
      checkRuns({ view, offset }, widthOf(level), count!, offset + length)
      offset += length
    }
    values(view, offset)
  } else if (v2) {
    const lengths = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length] as const
    let offset = 0
    for (const [i, length] of lengths.entries()) {
      within('size of the levels', length, page.length - offset)
      const level = levels[i]!
      if (level > 0) {
        checkRuns({ view: viewOf(page), offset }, widthOf(level), count!, offset + length)
      }
      offset += length
    }
    within('number of nulls of a page', v2.num_nulls, count!)
    const rest = page.subarray(offset)
    const unpacked =
      v2.is_compressed === false ? rest : decompressPage(rest, size - offset, codec, parquetCodecs)
    values(viewOf(unpacked), 0)
  }
  return count!
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const widthOf = (level: number): number => 32 - Math.clz32(level)

/** Writers pad their last run, by seven values as the format says, some by more. */
const PADDING = 1024

/** Walks runs of equal or packed values; none may be longer than what is left of `count`. */
function checkRuns(reader: DataReader, width: number, count: number, end: number): void {
  for (let seen = 0; seen < count && reader.offset < end; ) {
    const head = readVarInt(reader)
    const isPacked = (head & 1) === 1
    const length = isPacked ? (head >>> 1) * 8 : head >>> 1
    if (length === 0 || length > count - seen + PADDING) {
      throw new Error(`a run of ${length} values where ${count - seen} are left`)
    }
    reader.offset += isPacked ? (head >>> 1) * width : (width + 7) >> 3
    seen += length
  }
}

function within(what: string, value: number | undefined, most: number): asserts value is number {
  if (value !== undefined && Number.isInteger(value) && value >= 0 && value <= most) return
  throw new Error(`the ${what} is ${value}, expected 0 to ${most}`)
}
