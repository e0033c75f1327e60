/**
 * One process at a time makes what a folder caches, such as a downloaded model: a file that exists while it does,
 * and is touched to show that its owner lives. A lock that nobody touched for a while was left behind, and is taken over.
 */
import { closeSync, mkdirSync, openSync, rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileError } from './node-files.ts'

const BEAT_MS = 2_000
const STALE_MS = 15_000
const LOOK_MS = 200

export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** Called once where another process holds the lock. */
  readonly onWait?: (() => void) | undefined
}

/** Runs `body` while no other process does so on the same folder. */
export async function withCacheLock<T>(
  folder: string,
  { signal, onWait }: LockOptions,
  body: () => Promise<T>,
): Promise<T> {
  const file = join(folder, 'limbeck.lock')
  let told = false
  while (!taken(folder, file)) {
    signal?.throwIfAborted()
    if (isStale(file)) rmSync(file, { force: true })
    else {
      if (!told) onWait?.()
      told = true
      await sleep(LOOK_MS)
    }
  }
  const free = (): void => rmSync(file, { force: true })
  const beat = setInterval(() => touch(file), BEAT_MS).unref()
  process.once('exit', free)
  try {
    return await body()
  } finally {
    clearInterval(beat)
    process.off('exit', free)
    free()
  }
}

function taken(folder: string, file: string): boolean {
  try {
    mkdirSync(folder, { recursive: true })
    closeSync(openSync(file, 'wx'))
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw fileError(file, cause)
  }
}

function isStale(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS
}

function touch(file: string): void {
  try {
    const now = new Date()
    utimesSync(file, now, now)
  } catch {
    // removed under us: the downloads are checked all the same
  }
}
