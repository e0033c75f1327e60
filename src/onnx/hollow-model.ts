/**
 * A model without its weights: the same protobuf message, but every `raw_data` is replaced by the 16
 * bytes of its place (offset and length, two float64), and the lengths around it are made to fit.
 *
 * The decoder then sees a few hundred KB whatever the size of the model, and weights are neither read nor
 * copied. Only the messages on the way to a tensor are walked; all else is taken over as it is.
 * Source: https://protobuf.dev/programming-guides/encoding.
 */
import { LimbeckError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'
import { concatBytes } from './file-access.ts'
import { fieldHeader } from './wire.ts'

type Message = 'model' | 'graph' | 'node' | 'attribute' | 'tensor'

/** Field numbers that lead to tensors; 0 stands for the raw data itself. */
const fields: Readonly<Record<Message, Readonly<Record<number, Message | 'raw'>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
  tensor: { 9: 'raw' },
}

/** Graphs inside graphs inside graphs: three messages a level. */
const MAX_DEPTH = 90

/** Bytes that stand for a raw_data. */
export const PLACE_BYTES = 16

/** The place of a raw_data in its file. */
export interface Place {
  readonly offset: number
  readonly length: number
}

/** Reads a place back; undefined for bytes that are none. */
export function placeOf(bytes: Uint8Array): Place | undefined {
  if (bytes.length !== PLACE_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, PLACE_BYTES)
  return { offset: view.getFloat64(0, true), length: view.getFloat64(8, true) }
}

function encodePlace(offset: number, length: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(PLACE_BYTES))
  view.setFloat64(0, offset, true)
  view.setFloat64(8, length, true)
  return new Uint8Array(view.buffer)
}

/**
 * The hollow form of the model in `source`.
 * @throws LimbeckError `file` where the bytes are no protobuf message.
 */
export function hollowModel(source: ByteSource): Uint8Array {
  const walker = new Walker(source)
  return concatBytes(walker.message('model', 0, source.length, 0))
}

class Walker {
  readonly #source: ByteSource
  #at = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** The parts of the hollow message that stands from `start` to `end`. */
  message(kind: Message, start: number, end: number, depth: number): Uint8Array[] {
    if (depth > MAX_DEPTH) throw this.#bad('its graphs are nested too deep')
    const inside = fields[kind]
    const parts: Uint8Array[] = []
    let copied = start
    this.#at = start
    while (this.#at < end) {
      const field = this.#at
      const tag = this.#varint(end)
      const next = inside[Math.floor(tag / 8)]
      if (tag % 8 !== 2 || next === undefined) {
        this.#skip(tag % 8, end)
        continue
      }
      const length = this.#varint(end)
      const content = this.#at
      if (length > end - content) throw this.#truncated(content, length, end)
      const hollow =
        next === 'raw'
          ? [encodePlace(content, length)]
          : this.message(next, content, content + length, depth + 1)
      this.#at = content + length
      const [only] = hollow
      // a message without raw data is one view of itself: leave it in the run that is copied as it is
      if (hollow.length <= 1 && next !== 'raw' && (only?.length ?? 0) === length) continue
      this.#copy(copied, field, parts)
      const size = hollow.reduce((sum, part) => sum + part.length, 0)
      parts.push(fieldHeader(Math.floor(tag / 8), size))
      for (const part of hollow) parts.push(part)
      copied = this.#at
    }
    this.#copy(copied, end, parts)
    return parts
  }

  #copy(start: number, end: number, parts: Uint8Array[]): void {
    if (end > start) parts.push(this.#source.view(start, end - start))
  }

  #skip(wireType: number, end: number): void {
    if (wireType === 0) {
      this.#varint(end)
      return
    }
    const length =
      wireType === 2 ? this.#varint(end) : wireType === 1 ? 8 : wireType === 5 ? 4 : undefined
    if (length === undefined) throw this.#bad(`field of type ${wireType} at byte ${this.#at}`)
    if (length > end - this.#at) throw this.#truncated(this.#at, length, end)
    this.#at += length
  }

  #varint(end: number): number {
    const bytes = this.#source.view(this.#at, Math.min(10, end - this.#at))
    let value = 0
    for (let i = 0; i < bytes.length; i++) {
      value += (bytes[i]! & 127) * 2 ** (7 * i)
      if (bytes[i]! < 128) {
        this.#at += i + 1
        return value
      }
    }
    throw this.#bad(`broken number at byte ${this.#at}`)
  }

  #truncated(at: number, length: number, end: number): LimbeckError {
    return this.#bad(`expected ${length} bytes at byte ${at}, got ${end - at}`)
  }

  #bad(what: string): LimbeckError {
    return new LimbeckError('file', `${this.#source.name}: ${what}.`, {
      hint: 'It is no intact ONNX model: download or export it again.',
    })
  }
}
