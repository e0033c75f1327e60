/** A temporary folder that is gone when its work ends, also where the process is ended in the middle. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileError } from './node-files.ts'

/** Runs `body` with a fresh folder, which is removed when it returns, throws, or the process exits. */
export async function withScratchFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = madeFolder()
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await body(folder)
  } finally {
    process.off('exit', remove)
    remove()
  }
}

function madeFolder(): string {
  const prefix = join(tmpdir(), 'limbeck-')
  try {
    return mkdtempSync(prefix)
  } catch (cause) {
    throw fileError(prefix, cause)
  }
}
