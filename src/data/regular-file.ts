/**
 * Only files of bytes on a disk are read: a pipe or a terminal would wait for ever, a device never ends.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LimbeckError } from '../errors.ts'

/** What a path is instead of a file of bytes; undefined for a file. */
export function notRegular(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined
  if (stats.isDirectory()) return 'it is a folder, expected a file'
  return 'it is a pipe, socket or device, expected a file'
}

/**
 * Refuses what is no file of bytes; what cannot be looked at is told by the read that follows.
 * @throws LimbeckError `file`
 */
export async function checkRegular(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined)
  const what = stats && notRegular(stats)
  if (what !== undefined) throw new LimbeckError('file', `cannot read ${path}: ${what}.`)
}

/**
 * The text of a small file, whole.
 * @throws Error that says why it cannot be read.
 */
export function readSmallText(path: string, mostBytes: number): string {
  // without waiting: to open a pipe would, until somebody writes to it
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(file)
    const what = notRegular(stats)
    if (what !== undefined) throw new Error(what)
    if (stats.size > mostBytes) {
      throw new Error(`expected at most ${mostBytes} bytes, found ${stats.size}`)
    }
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
