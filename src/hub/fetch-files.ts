/** Files of one commit into the cache: those that are not there, a few at a time, by one process. */
import { mkdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { withCacheLock } from './cache-lock.ts'
import { blobPath, linkBlob, type RepoCache, snapshotPath } from './hub-cache.ts'
import type { HubFile } from './hub-listing.ts'
import type { Hub } from './hub-request.ts'
import { fileError } from './node-files.ts'
import { bytesHere, transfer } from './transfer.ts'

/** Shows a download; all in bytes. */
export interface DownloadWatch {
  /** So much of the total is here. */
  update(done: number): void
  /** Why nothing comes for now. */
  waiting(reason: string): void
  done(): void
  fail(): void
}

export interface FetchOptions {
  readonly id: string
  readonly commit: string
  readonly cache: RepoCache
  /** Called where something is downloaded. @param here bytes of the total that an earlier attempt left. */
  readonly watch?: ((total: number, files: number, here: number) => DownloadWatch) | undefined
}

const FILES_AT_ONCE = 4

/** Makes files stand in the snapshot of their commit. */
export async function fetchFiles(
  hub: Hub,
  files: readonly HubFile[],
  { id, commit, cache, watch }: FetchOptions,
): Promise<void> {
  const blobOf = ({ etag }: HubFile): string => blobPath(cache, etag)
  const isAbsent = ({ path }: HubFile): boolean => !isFile(join(snapshotPath(cache, commit), path))
  if (!files.some(isAbsent)) return
  let shown: DownloadWatch | undefined
  const { signal } = hub
  const waiting = { signal, onWait: () => hub.onWait?.('another process downloads it', 0) }
  await withCacheLock(cache.locks, waiting, async () => {
    const absent = files.filter(isAbsent)
    // two paths may have one content
    const lacking = new Map(
      absent.filter((file) => !isFile(blobOf(file))).map((file) => [file.etag, file]),
    )
    const wanted = [...lacking.values()]
    const here = new Map(wanted.map((file) => [file.etag, bytesHere(blobOf(file))]))
    const sum = (): number => [...here.values()].reduce((a, b) => a + b, 0)
    const total = wanted.reduce((bytes, { size }) => bytes + size, 0)
    if (wanted.length > 0) {
      checkSpace(id, cache.folder, total - sum())
      shown = watch?.(total, wanted.length, sum())
    }
    const told: Hub = {
      ...hub,
      onWait(reason, ms) {
        shown?.waiting(reason)
        hub.onWait?.(reason, ms)
      },
    }
    await inTurns(told, wanted, (one, file) =>
      transfer(one, {
        id,
        commit,
        file,
        blob: blobOf(file),
        onBytes(bytes) {
          here.set(file.etag, bytes)
          shown?.update(sum())
        },
      }),
    ).catch((error: unknown) => {
      shown?.fail()
      throw error
    })
    for (const file of absent) linkBlob(cache, commit, file.path, file.etag)
    shown?.done()
  })
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** A few files at once; the first failure stops the others, which keep what they have. */
async function inTurns(
  hub: Hub,
  files: readonly HubFile[],
  fetch: (hub: Hub, file: HubFile) => Promise<void>,
): Promise<void> {
  const queue = [...files]
  const failed = new AbortController()
  const signal = hub.signal ? AbortSignal.any([hub.signal, failed.signal]) : failed.signal
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      await fetch({ ...hub, signal }, file).catch((error: unknown) => {
        failed.abort(error)
        throw error
      })
    }
  }
  const workers = Array.from({ length: Math.min(FILES_AT_ONCE, files.length) }, worker)
  const ended = await Promise.allSettled(workers)
  if (ended.some(({ status }) => status === 'rejected')) throw signal.reason
}

/** Refuses what the disk cannot hold before anything is asked for. */
function checkSpace(id: string, folder: string, bytes: number): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw fileError(folder, cause)
  }
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (bytes <= free) return
  const gb = (count: number): string => `${(count / 1e9).toFixed(1)} GB`
  throw new LimbeckError('file', `${id}: it takes ${gb(bytes)}, ${folder} has ${gb(free)} left.`, {
    hint: 'Free some space, or put the cache elsewhere with HF_HUB_CACHE.',
  })
}
