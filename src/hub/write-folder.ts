/**
 * An output folder appears whole or not at all.
 *
 * Everything is written into a folder beside the target, flushed, and moved into place by rename; an old
 * output steps aside first and is removed last, so that at every moment either the old or the new stands.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { folderFile } from './folder-file.ts'
import { fileError } from './node-files.ts'

export interface WriteFolderOptions {
  /** Replace a folder that Limbeck wrote before (one with `limbeck.json`). */
  readonly overwrite?: boolean | undefined
}

/** Name of the file that marks a folder as ours. */
export const LIMBECK_FILE = 'limbeck.json'

/** Refuses a target that is not ours to replace; call before long work. */
export function checkTarget(target: string, { overwrite = false }: WriteFolderOptions): void {
  const path = resolve(target)
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) {
    throw new LimbeckError('usage', `${target}: expected a folder to write, found a file.`, {
      hint: 'Give another --output.',
    })
  }
  if (readdirSync(path).length === 0) return
  const ours = existsSync(join(path, LIMBECK_FILE))
  if (overwrite && ours) return
  throw new LimbeckError(
    'usage',
    `${target}: the folder is not empty${ours ? '' : ' and was not written by Limbeck'}.`,
    {
      hint: ours
        ? 'Pass --overwrite to replace it, or give another --output.'
        : 'Give another --output.',
    },
  )
}

/**
 * Runs `fill` on a fresh folder and moves it to `target` when it returns; nothing is left when it throws.
 */
export async function writeFolder<T>(
  target: string,
  options: WriteFolderOptions,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  checkTarget(target, options)
  const path = resolve(target)
  const aside = trying(target, () => {
    mkdirSync(dirname(path), { recursive: true })
    const made = mkdtempSync(join(dirname(path), `.${basename(path)}.`))
    // a temporary folder is private; an output is as open as the user's others
    chmodSync(made, 0o777 & ~process.umask())
    return made
  })
  const removeAside = (): void => rmSync(aside, { recursive: true, force: true })
  process.once('exit', removeAside)
  try {
    const result = await fill(aside)
    trying(target, () => moveIntoPlace(aside, path))
    return result
  } catch (error) {
    removeAside()
    throw aboutTarget(error, aside, target)
  } finally {
    process.off('exit', removeAside)
  }
}

/** An error of the system as ours, and the folder that users know instead of the one beside it. */
function aboutTarget(error: unknown, aside: string, target: string): unknown {
  const known = isSystemError(error) ? fileError(error.path ?? target, error) : error
  if (!(known instanceof LimbeckError) || !known.message.includes(aside)) return known
  const { code, hint, cause, message } = known
  return new LimbeckError(code, message.replaceAll(aside, target), {
    ...(hint !== undefined && { hint }),
    cause,
  })
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && !(error instanceof LimbeckError)

function moveIntoPlace(aside: string, path: string): void {
  syncFolder(aside)
  const old = existsSync(path) ? `${aside}.old` : undefined
  if (old) renameSync(path, old)
  try {
    renameSync(aside, path)
  } catch (error) {
    if (old) renameSync(old, path)
    throw error
  }
  syncFolder(dirname(path))
  if (old) rmSync(old, { recursive: true, force: true })
}

/** Flushes a folder's entries; some systems cannot, and lose nothing else by it. */
function syncFolder(path: string): void {
  try {
    const handle = openSync(path, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch {
    // Windows has no handle on folders
  }
}

/**
 * Copies the files of `names` that exist in `from`; gives the names copied.
 * @throws LimbeckError for one that is a link out of `from`.
 */
export function copyFiles(from: string, to: string, names: readonly string[]): string[] {
  const present = names.filter((name) => folderFile(from, name) !== undefined)
  for (const name of present) {
    trying(join(to, name), () => {
      mkdirSync(dirname(join(to, name)), { recursive: true })
      // a download cache holds links: what they point to is copied, not they
      copyFileSync(join(from, name), join(to, name))
    })
  }
  return present
}

function trying<T>(path: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    throw fileError(path, cause)
  }
}
