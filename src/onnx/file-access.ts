/**
 * Files as bytes at offsets: what the codec asks of its host, so that it runs in Node and in a browser.
 *
 * Everything is synchronous, since passes and the writer are. Node's side stands in `hub/node-files.ts`.
 */
import { LimbeckError } from '../errors.ts'

/** Reads files. Both `size` and `readAt` throw a LimbeckError `file` that names the path. */
export interface FileAccess {
  /** Length of the file in bytes. */
  size(path: string): number
  /** `length` bytes from `offset`, a fresh array; a shorter file is an error. */
  readAt(path: string, offset: number, length: number): Uint8Array
  /** Fills `into` with the bytes from `offset`, where the host can do so without allocating. */
  readInto?(path: string, offset: number, into: Uint8Array): void
  /** The path with every symbolic link resolved; absent where there are none. */
  realpath?(path: string): string
}

/** Takes bytes in order; it must use or copy them before it returns. */
export interface ByteSink {
  write(bytes: Uint8Array): void
}

/** Files held in memory: tests, browsers. */
export function memoryFiles(files: ReadonlyMap<string, Uint8Array>): FileAccess {
  const find = (path: string): Uint8Array => {
    const bytes = files.get(path)
    if (!bytes) throw new LimbeckError('file', `${path}: there is no such file.`)
    return bytes
  }
  return {
    size: (path) => find(path).length,
    readAt: (path, offset, length) => {
      const bytes = find(path)
      if (offset + length > bytes.length) throw shortFile(path, offset + length, bytes.length)
      return bytes.slice(offset, offset + length)
    },
  }
}

/** A sink that keeps what it takes. */
export class MemorySink implements ByteSink {
  readonly #parts: Uint8Array[] = []
  #length = 0

  write(bytes: Uint8Array): void {
    this.#parts.push(new Uint8Array(bytes))
    this.#length += bytes.length
  }

  /** Everything written so far, in one array. */
  bytes(): Uint8Array {
    return concatBytes(this.#parts, this.#length)
  }
}

/** The parts one after the other. */
export function concatBytes(
  parts: readonly Uint8Array[],
  length = parts.reduce((sum, part) => sum + part.length, 0),
): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** The error of a file that ends before the bytes that were asked of it. */
export const shortFile = (path: string, expected: number, got: number): LimbeckError =>
  new LimbeckError('file', `${path}: expected at least ${expected} bytes, got ${got}.`, {
    hint: 'The file is truncated: download or copy it again.',
  })

/** The folder of a path; `.` when it has none. */
export function folderOf(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return slash < 0 ? '.' : slash === 0 ? path.slice(0, 1) : path.slice(0, slash)
}

/** A file beside others in a folder. */
export const inFolder = (folder: string, name: string): string =>
  folder.endsWith('/') || folder.endsWith('\\') ? folder + name : `${folder}/${name}`

/**
 * True for a relative path that stays below its folder by its letters alone: no root, no drive, no `..`,
 * no backslash, no NUL.
 */
export function staysInside(name: string): boolean {
  if (name === '' || name.startsWith('/') || /[\\\0]|^[A-Za-z]:/.test(name)) return false
  return name.split('/').every((part) => part !== '..' && part !== '')
}
