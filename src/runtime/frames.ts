/**
 * Messages between a host and its executor process: a small JSON header, then raw bytes.
 *
 * Layout: `LBK1`, header length (u32), body length (u64), header (UTF-8 JSON), body; little endian.
 * Tensors lie in the body at offsets of 8, so that the receiver makes views instead of copies.
 */
import { LimbeckError } from '../errors.ts'
import { bytesOf, type DataType, type HostTensor, hostArray } from '../graph/data-type.ts'

/** A message: what it says and the bytes it carries. */
export interface Frame {
  readonly header: unknown
  readonly body: Uint8Array
}

/** A tensor of a frame's body. */
export interface PackedTensor {
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly offset: number
  readonly bytes: number
}

const magic = 0x314b424c // 'LBK1'
const prefixBytes = 16
const maxHeaderBytes = 64 * 2 ** 20
const padding = new Uint8Array(8)
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8

/** The chunks to write, in order, for a header and the parts of a body (not copied). */
export function encodeFrame(header: object, parts: readonly Uint8Array[] = []): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32LE(magic, 0)
  prefix.writeUInt32LE(json.byteLength, 4)
  prefix.writeBigUInt64LE(BigInt(parts.reduce((sum, part) => sum + part.byteLength, 0)), 8)
  return [prefix, json, ...parts]
}

/** Places tensors in a body: their descriptions for the header, and the parts of the body. */
export function packTensors(tensors: Readonly<Record<string, HostTensor>>): {
  readonly tensors: PackedTensor[]
  readonly parts: Uint8Array[]
} {
  const packed: PackedTensor[] = []
  const parts: Uint8Array[] = []
  let offset = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const bytes = data.byteLength
    packed.push({ name, dtype, shape, offset, bytes })
    if (bytes > 0) parts.push(bytesOf(data))
    if (padded(bytes) > bytes) parts.push(padding.subarray(0, padded(bytes) - bytes))
    offset += padded(bytes)
  }
  return { tensors: packed, parts }
}

/** The tensors of a body, as views of it. */
export function unpackTensors(
  tensors: readonly PackedTensor[],
  body: Uint8Array,
): Record<string, HostTensor> {
  const entries = tensors.map(({ name, dtype, shape, offset, bytes }) => {
    const data = hostArray(dtype, body.subarray(offset, offset + bytes))
    return [name, { dtype, shape, data }]
  })
  return Object.fromEntries(entries)
}

/** Puts frames together from the chunks of a stream; each body is copied once, into its own memory. */
export class FrameReader {
  #target: Uint8Array = new Uint8Array(prefixBytes)
  #filled = 0
  #part: 'prefix' | 'header' | 'body' = 'prefix'
  #bodyBytes = 0
  #header: unknown

  /**
   * The frames that this chunk completes.
   * @throws LimbeckError `runtime` when the stream carries anything else.
   */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.byteLength) {
      const taken = Math.min(chunk.byteLength - at, this.#target.byteLength - this.#filled)
      this.#target.set(chunk.subarray(at, at + taken), this.#filled)
      this.#filled += taken
      at += taken
      // again, because a body may be empty
      while (this.#filled === this.#target.byteLength) {
        const frame = this.#complete()
        if (frame) frames.push(frame)
      }
    }
    return frames
  }

  /** Takes the part that is now whole and makes room for the next. */
  #complete(): Frame | undefined {
    const part = this.#target
    if (this.#part === 'prefix') {
      const view = new DataView(part.buffer, part.byteOffset)
      const headerBytes = view.getUint32(4, true)
      if (view.getUint32(0, true) !== magic || headerBytes > maxHeaderBytes) {
        throw new LimbeckError('runtime', 'The stream of an executor process is out of step.')
      }
      this.#bodyBytes = Number(view.getBigUint64(8, true))
      this.#expect('header', headerBytes)
      return undefined
    }
    if (this.#part === 'header') {
      this.#header = JSON.parse(Buffer.from(part).toString('utf8'))
      this.#expect('body', this.#bodyBytes)
      return undefined
    }
    this.#expect('prefix', prefixBytes)
    return { header: this.#header, body: part }
  }

  #expect(part: 'prefix' | 'header' | 'body', bytes: number): void {
    this.#part = part
    this.#target = new Uint8Array(bytes)
    this.#filled = 0
  }
}
