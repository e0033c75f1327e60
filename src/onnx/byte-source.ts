/** Bytes of a model to decode: memory as it is, or a file behind a window that moves forward. */
import { type FileAccess, shortFile } from './file-access.ts'

export interface ByteSource {
  /** What messages call it: a path, or `model`. */
  readonly name: string
  readonly length: number
  /** The bytes at a place; a view that may be reused by the next call. */
  view(offset: number, length: number): Uint8Array
}

/** Bytes in memory; views share them. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  // a Node Buffer's views and copies are Buffers, which behave otherwise
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    name,
    length: plain.length,
    view: (offset, length) => plain.subarray(offset, offset + length),
  }
}

const WINDOW_BYTES = 1 << 16

/** A file read through a window, so that what is skipped is never read. */
export function fileSource(path: string, files: FileAccess): ByteSource {
  const size = files.size(path)
  let window: Uint8Array = new Uint8Array(0)
  let start = 0
  return {
    name: path,
    length: size,
    view: (offset, length) => {
      if (offset + length > size) throw shortFile(path, offset + length, size)
      if (offset < start || offset + length > start + window.length) {
        const ahead = Math.min(Math.max(length, WINDOW_BYTES), size - offset)
        window = files.readAt(path, offset, ahead)
        start = offset
      }
      return window.subarray(offset - start, offset - start + length)
    },
  }
}
