/**
 * A file that is written in pieces as they come, and appears whole or not at all: aside, flushed to the
 * disk, renamed, and the rename flushed too. What stood there before stays until then.
 */
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileError } from './node-files.ts'

/** Writes bytes behind those before. */
export type Append = (bytes: Uint8Array) => Promise<void>
/** Writes bytes at their place, from the beginning of the file. */
export type WriteAt = (offset: number, bytes: Uint8Array) => Promise<void>

/** Writes a file; `write` may wait between its pieces. */
export async function writeFileWhole(
  path: string,
  write: (append: Append, writeAt: WriteAt) => Promise<void>,
): Promise<void> {
  const aside = `${path}.tmp`
  let file: FileHandle | undefined
  try {
    file = await open(aside, 'w')
    const opened = file
    const put = async (bytes: Uint8Array, place: number | undefined) => {
      for (let at = 0; at < bytes.length; ) {
        const length = Math.min(bytes.length - at, 1 << 30)
        const position = place === undefined ? null : place + at
        at += (await opened.write(bytes, at, length, position)).bytesWritten
      }
    }
    await write(
      (bytes) => put(bytes, undefined),
      (offset, bytes) => put(bytes, offset),
    )
    await file.sync()
    await file.close()
    file = undefined
    await rename(aside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await file?.close().catch(() => {})
    await rm(aside, { force: true }).catch(() => {})
    throw isSystemError(error) ? fileError(path, error) : error
  }
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error

/** Some systems have no handle on folders, and lose nothing else by it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
