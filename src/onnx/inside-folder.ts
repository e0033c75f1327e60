/**
 * Which real files belong to a folder: those that stand below it once every symbolic link is resolved.
 *
 * One rule for configurations, weights, shards, external data, tokenizers and what is copied beside
 * them: a link may lead anywhere inside the folder and nowhere else, so that a downloaded folder cannot
 * show other files of the machine. The folder may itself be a link. In the Hub's cache a snapshot holds
 * links into the `blobs` of its model (`models--<name>/snapshots/<commit>/x → ../../blobs/<hash>`), so
 * there the model's whole cache folder counts.
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
 */
import { LimbeckError } from '../errors.ts'

/** Resolves every link of a path; absent where a host has none. */
export type RealPath = ((path: string) => string) | undefined

const snapshot = /^(.*[\\/]models--[^\\/]+)[\\/]snapshots[\\/][^\\/]+(?:[\\/]|$)/

/** The real folders in which files of `folder` may stand. */
export function realRoots(folder: string, realpath: RealPath): string[] {
  if (!realpath) return []
  const real = realpath(folder)
  const cached = snapshot.exec(real)?.[1]
  return cached === undefined ? [real] : [real, cached]
}

/** Whether a path really stands below one of `roots`; true on a host without links. */
export function isInside(path: string, roots: readonly string[], realpath: RealPath): boolean {
  if (!realpath) return true
  const real = realpath(path)
  return roots.some((root) => isBelow(real, root))
}

/**
 * Refuses a file that a link leads out of `folder`.
 * @throws LimbeckError `file`
 */
export function checkInside(path: string, folder: string, realpath: RealPath): void {
  if (isInside(path, realRoots(folder, realpath), realpath)) return
  throw new LimbeckError('file', `${path}: it is a link out of the folder of the model.`, {
    hint: 'Copy the file itself into the folder.',
  })
}

const isBelow = (path: string, root: string): boolean =>
  path.startsWith(root) && (/[\\/]$/.test(root) || /^[\\/]/.test(path.slice(root.length)))
