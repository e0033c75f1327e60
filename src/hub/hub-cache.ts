/**
 * The Hub's cache on this disk, in the layout that Python's `huggingface_hub` shares:
 *
 *     models--org--name/blobs/<etag>                      contents, by their hash
 *     models--org--name/refs/<revision>                   the commit it was last seen at
 *     models--org--name/snapshots/<commit>/<path>         links into blobs
 */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { isCommit } from './model-id.ts'
import { fileError } from './node-files.ts'

/** One model's part of the cache. */
export interface RepoCache {
  /** Absolute path of `models--org--name`. */
  readonly folder: string
  /** Folder for locks, beside Python's. */
  readonly locks: string
}

export function repoCache(cacheFolder: string, id: string): RepoCache {
  const name = `models--${id.replace('/', '--')}`
  return { folder: join(cacheFolder, name), locks: join(cacheFolder, '.locks', name) }
}

export const blobPath = ({ folder }: RepoCache, etag: string): string => join(folder, 'blobs', etag)

export const snapshotPath = ({ folder }: RepoCache, commit: string): string =>
  join(folder, 'snapshots', commit)

/** The commit that a revision was last seen at; a full commit is its own. */
export function readRef({ folder }: RepoCache, revision: string): string | undefined {
  if (isCommit(revision)) return revision
  const file = join(folder, 'refs', revision)
  if (!existsSync(file) || !statSync(file).isFile()) return undefined
  const commit = readFileSync(file, 'utf8').trim()
  return isCommit(commit) ? commit : undefined
}

/** Remembers where a revision stands. */
export function writeRef(cache: RepoCache, revision: string, commit: string): void {
  if (readRef(cache, revision) === commit) return
  const file = join(cache.folder, 'refs', revision)
  try {
    mkdirSync(dirname(file), { recursive: true })
    const aside = `${file}.${process.pid}.tmp`
    writeFileSync(aside, commit)
    renameSync(aside, file)
  } catch {
    // a cache that is only read serves its snapshots all the same
  }
}

/** Paths of the files of a snapshot whose contents are there. */
export function snapshotFiles(cache: RepoCache, commit: string): string[] {
  const folder = snapshotPath(cache, commit)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path), { throwIfNoEntry: false })?.isFile())
    .map((path) => path.split(sep).join('/'))
}

/** Shows a blob under its path in a snapshot: a relative link; where links fail, the same bytes. */
export function linkBlob(cache: RepoCache, commit: string, path: string, etag: string): void {
  const blob = blobPath(cache, etag)
  const file = join(snapshotPath(cache, commit), path)
  try {
    mkdirSync(dirname(file), { recursive: true })
    rmSync(file, { force: true })
    for (const way of [
      () => symlinkSync(relative(dirname(file), blob), file),
      () => linkSync(blob, file),
    ]) {
      try {
        way()
        return
      } catch (error) {
        // another process was quicker with the same bytes
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
      }
    }
    copyFileSync(blob, file)
  } catch (cause) {
    throw fileError(file, cause)
  }
}

/** Where a folder of a cache came from; undefined for any other folder. */
export interface HubOrigin {
  readonly id: string
  /** The full commit. */
  readonly revision: string
}

/** Reads the origin of a snapshot from its path, which says it all. */
export function hubOrigin(path: string): HubOrigin | undefined {
  const revision = basename(path)
  const snapshots = dirname(path)
  const match = /^models--(.+?)--(.+)$/.exec(basename(dirname(snapshots)))
  if (!match || !isCommit(revision) || basename(snapshots) !== 'snapshots') return undefined
  return { id: `${match[1]}/${match[2]}`, revision }
}

/** What the cache takes: models, and bytes of their blobs. */
export function cacheUse(cacheFolder: string): { models: number; bytes: number } {
  if (!existsSync(cacheFolder)) return { models: 0, bytes: 0 }
  const models = readdirSync(cacheFolder).filter((name) => name.startsWith('models--'))
  const blobs = models.map((name) => join(cacheFolder, name, 'blobs')).filter(existsSync)
  const sizes = blobs.flatMap((folder) =>
    readdirSync(folder).map(
      (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0,
    ),
  )
  return { models: models.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}
