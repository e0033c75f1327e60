/**
 * The header of a safetensors file: 8 bytes of little-endian length, then JSON, then the data.
 *
 * Checked as Hugging Face's own reader checks it: at most 100 MB of header, offsets in the file, tensors
 * one after the other without overlap or hole, every size = shape × element.
 * Source: https://github.com/huggingface/safetensors (README and `safetensors/src/tensor.rs`).
 */
import { LimbeckError, showValue } from '../errors.ts'
import { byteLength, type DataType } from '../graph/data-type.ts'
import { parseJson } from './parse-json.ts'

/** Longest header that is read. */
export const MAX_HEADER_BYTES = 100_000_000

/** Safetensors' spelling of the element types it has. */
export const safetensorsTypes = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
  float8e4m3fn: 'F8_E4M3',
  float8e5m2: 'F8_E5M2',
  float8e8m0: 'F8_E8M0',
  float4e2m1: 'F4',
  complex64: 'C64',
} as const satisfies Partial<Record<DataType, string>>

const typesByName = new Map<string, DataType>(
  Object.entries(safetensorsTypes).map(([dtype, name]) => [name, dtype as DataType]),
)

/** One tensor of a file; `begin` and `end` count from the start of the data. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** What the header of a file says. */
export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[]
  readonly metadata: ReadonlyMap<string, string>
}

const bad = (path: string, what: string): LimbeckError =>
  new LimbeckError('file', `${path}: ${what}.`, {
    hint: 'It is no intact safetensors file: download or copy it again.',
  })

/** The length of the header from the first 8 bytes of a file of `size` bytes. */
export function headerLength(path: string, first: Uint8Array, size: number): number {
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true))
  if (length > MAX_HEADER_BYTES) {
    throw bad(path, `expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`)
  }
  if (8 + length > size) {
    throw bad(path, `its header ends at byte ${8 + length}, but the file has ${size} bytes`)
  }
  return length
}

/** Parses and checks the JSON of a header whose data is `dataLength` bytes long. */
export function parseHeader(path: string, json: Uint8Array, dataLength: number): SafetensorsHeader {
  let parsed: unknown
  try {
    parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(json))
  } catch (cause) {
    throw bad(path, `its header is no JSON (${(cause as Error).message})`)
  }
  if (!isRecord(parsed)) throw bad(path, 'expected a JSON object as its header')
  const metadata = new Map<string, string>()
  const entries: SafetensorsEntry[] = []
  for (const [name, value] of Object.entries(parsed)) {
    if (name !== '__metadata__') entries.push(parseEntry(path, name, value))
    else if (isRecord(value)) {
      for (const [key, text] of Object.entries(value))
        metadata.set(key, typeof text === 'string' ? text : showValue(text))
    }
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  checkLayout(path, entries, dataLength)
  return { entries, metadata }
}

function parseEntry(path: string, name: string, value: unknown): SafetensorsEntry {
  if (!isRecord(value)) throw bad(path, `tensor '${name}': expected an object in the header`)
  const { dtype: typeName, shape, data_offsets: offsets } = value
  const dtype = typeof typeName === 'string' ? typesByName.get(typeName) : undefined
  if (!dtype) {
    const known = [...typesByName.keys()].join(', ')
    throw bad(
      path,
      `tensor '${name}': expected a type of ${known}, got '${typeof typeName === 'string' ? typeName : showValue(typeName)}'`,
    )
  }
  if (!isNaturals(shape)) throw bad(path, `tensor '${name}': its shape is no list of sizes`)
  if (!isNaturals(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw bad(
      path,
      `tensor '${name}': expected data_offsets [begin, end], got ${showValue(offsets)}`,
    )
  }
  const [begin, end] = offsets as [number, number]
  const expected = byteLength(
    dtype,
    shape.reduce((product, dim) => product * dim, 1),
  )
  if (expected !== end - begin) {
    throw bad(
      path,
      `tensor '${name}': ${safetensorsTypes[dtype as keyof typeof safetensorsTypes]}` +
        `[${shape.join(', ')}] needs ${expected} bytes, but its offsets span ${end - begin}`,
    )
  }
  return { name, dtype, shape, begin, end }
}

/** Tensors must cover the data from its first byte to its last. */
function checkLayout(path: string, entries: readonly SafetensorsEntry[], dataLength: number): void {
  let end = 0
  for (const entry of entries) {
    if (entry.begin !== end) {
      const what = entry.begin < end ? 'overlaps the tensor before it' : 'leaves a hole before it'
      throw bad(
        path,
        `tensor '${entry.name}' ${what}: expected it to begin at ${end}, got ${entry.begin}`,
      )
    }
    end = entry.end
    if (end > dataLength) {
      throw bad(path, `tensor '${entry.name}' ends at byte ${end} of ${dataLength} bytes of data`)
    }
  }
  if (end !== dataLength) {
    throw bad(path, `its tensors cover ${end} bytes, but ${dataLength} bytes of data follow`)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isNaturals = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
