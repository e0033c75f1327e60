/** A temporary folder that is gone when its work ends, also where the process is ended in the middle. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileError } from './node-files.ts'

/**
 * Runs `body` with a fresh folder, which is removed when it returns, throws, or the process exits.
 * @param prefix of its path; another than the default where files are moved out of it, which a rename does
 *   only within one disk
 */
export async function withScratchFolder<T>(
  body: (folder: string) => Promise<T>,
  prefix: string = join(tmpdir(), 'limbeck-'),
): Promise<T> {
  const folder = madeFolder(prefix)
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await body(folder)
  } finally {
    process.off('exit', remove)
    remove()
  }
}

function madeFolder(prefix: string): string {
  try {
    return mkdtempSync(prefix)
  } catch (cause) {
    throw fileError(prefix, cause)
  }
}
