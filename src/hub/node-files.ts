/**
 * Files of this machine for the codec: reads at offsets, and writes that appear whole or not at all.
 *
 * A file is written aside as `<name>.tmp`, flushed to the disk and renamed; several files of one write
 * are renamed together, in the order of their opening reversed, so that a model never stands without
 * its external data.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { notRegular } from '../data/regular-file.ts'
import { LimbeckError } from '../errors.ts'
import { type ByteSink, type FileAccess, shortFile } from '../onnx/file-access.ts'

/** What the system's error codes mean to a user. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission was denied',
  EPERM: 'the operation is not permitted',
  EISDIR: 'it is a folder, expected a file',
  ENOTDIR: 'a part of its path is no folder',
  ENOSPC: 'the disk is full',
  EFBIG: 'the file is larger than the disk or its limit allows',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the disk is read-only',
  EMFILE: 'too many files are open',
  ELOOP: 'its symbolic links form a loop',
}

/** The system's error about a path as ours. */
export function fileError(path: string, cause: unknown): LimbeckError {
  if (cause instanceof LimbeckError) return cause
  const { code = '', message } = cause as NodeJS.ErrnoException
  return new LimbeckError('file', `${path}: ${reasons[code] ?? message}.`, { cause })
}

function trying<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    throw fileError(path, cause)
  }
}

/** Reads files of this machine; each call opens and closes the file. */
export const nodeFiles: FileAccess = {
  size: (path) =>
    trying(path, () => {
      const stats = statSync(path)
      refuseSpecial(path, stats)
      return stats.size
    }),
  readAt: (path, offset, length) =>
    trying(path, () => {
      const into = new Uint8Array(checkedLength(path, offset, length))
      fill(path, offset, into)
      return into
    }),
  readInto: (path, offset, into) => trying(path, () => fill(path, offset, into)),
  realpath: (path) => trying(path, () => realpathSync(path)),
}

function refuseSpecial(path: string, stats: Stats): void {
  const what = notRegular(stats)
  if (what !== undefined) throw new LimbeckError('file', `${path}: ${what}.`)
}

/** The text of a file of this machine. @throws LimbeckError for what is no file or is too long. */
export function readTextFile(path: string): string {
  const size = nodeFiles.size(path)
  if (size <= LONGEST_TEXT) {
    return trying(path, () => new TextDecoder().decode(nodeFiles.readAt(path, 0, size)))
  }
  throw new LimbeckError(
    'file',
    `${path}: expected at most ${LONGEST_TEXT} bytes of text, got ${size}.`,
  )
}

/** As safetensors' longest header: no configuration or vocabulary comes near it. */
const LONGEST_TEXT = 100_000_000

/** Refuses what the file cannot hold before memory is asked for it. */
function checkedLength(path: string, offset: number, length: number): number {
  const { size } = statSync(path)
  if (offset + length > size) throw shortFile(path, offset + length, size)
  return length
}

function fill(path: string, offset: number, into: Uint8Array): void {
  // without waiting: to open a pipe would, until somebody writes to it
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    refuseSpecial(path, fstatSync(file))
    let done = 0
    while (done < into.length) {
      // one read of Linux gives 2 GiB at most
      const length = Math.min(into.length - done, 1 << 30)
      const got = readSync(file, into, done, length, offset + done)
      if (got === 0) throw shortFile(path, offset + into.length, fstatSync(file).size)
      done += got
    }
  } finally {
    closeSync(file)
  }
}

/** Small writes are gathered to this many bytes. */
const BUFFER_BYTES = 1 << 20

class FileSink implements ByteSink {
  readonly path: string
  readonly aside: string
  readonly #file: number
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #filled = 0
  #open = true

  constructor(path: string) {
    this.path = path
    this.aside = `${path}.tmp`
    this.#file = trying(path, () => openSync(this.aside, 'w'))
  }

  write(bytes: Uint8Array): void {
    if (this.#filled + bytes.length > BUFFER_BYTES) this.#flush()
    if (bytes.length > BUFFER_BYTES / 4) {
      this.#flush()
      this.#writeAll(bytes)
      return
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  /** Everything on the disk, the file closed. */
  finish(): void {
    this.#flush()
    trying(this.path, () => fsyncSync(this.#file))
    this.close()
  }

  close(): void {
    if (this.#open) closeSync(this.#file)
    this.#open = false
  }

  #flush(): void {
    const filled = this.#buffer.subarray(0, this.#filled)
    this.#filled = 0
    this.#writeAll(filled)
  }

  #writeAll(bytes: Uint8Array): void {
    trying(this.path, () => {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.#file, bytes, at, Math.min(bytes.length - at, 1 << 30))
      }
    })
  }
}

/**
 * Writes files into a folder that exists: all of them appear when `write` returns, none when it throws.
 * @example
 * writeFilesWhole('out', (open) => writeOnnx(graph, open('model.onnx'), options))
 */
export function writeFilesWhole<T>(
  folder: string,
  write: (open: (name: string) => ByteSink) => T,
): T {
  const sinks: FileSink[] = []
  try {
    const result = write((name) => {
      const sink = new FileSink(join(folder, name))
      sinks.push(sink)
      return sink
    })
    for (const sink of sinks) sink.finish()
    for (const sink of sinks.reverse()) {
      trying(sink.path, () => renameSync(sink.aside, sink.path))
    }
    return result
  } catch (error) {
    for (const sink of sinks) {
      sink.close()
      rmSync(sink.aside, { force: true })
    }
    throw error
  }
}
