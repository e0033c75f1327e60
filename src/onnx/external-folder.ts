/**
 * External data must stand below the folder of its model: no absolute path, no `..`, and no symbolic
 * link out of it, as ONNX Runtime demands. A model that is a link itself (the Hub's cache) may have its
 * data beside the file it points to.
 * Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md.
 */
import { LimbeckError } from '../errors.ts'
import { type FileAccess, folderOf, inFolder, shortFile, staysInside } from './file-access.ts'
import { isInside, realRoots } from './inside-folder.ts'

/** The folder of a model, its links resolved once, and the sizes of the files in it. */
export interface ExternalFolder {
  readonly folder: string
  readonly roots: readonly string[]
  readonly files: FileAccess
  readonly known: Map<string, { readonly path: string; readonly size: number }>
}

/** The external data beside a model file. */
export function externalFolder(modelPath: string, files: FileAccess): ExternalFolder {
  const folder = folderOf(modelPath)
  const { realpath } = files
  const roots = realpath ? [...realRoots(folder, realpath), folderOf(realpath(modelPath))] : []
  return { folder, roots, files, known: new Map() }
}

/**
 * The path of the file `location`, checked to stand inside the folder and to reach to byte `end`.
 * `where` names the tensor for the message.
 */
export function checkExternalPlace(
  external: ExternalFolder,
  location: string,
  end: number,
  where: string,
): string {
  let found = external.known.get(location)
  if (!found) {
    found = find(external, location, where)
    external.known.set(location, found)
  }
  if (end > found.size) throw shortFile(`${where}: its external data ${location}`, end, found.size)
  return found.path
}

function find(external: ExternalFolder, location: string, where: string) {
  if (!staysInside(location)) {
    throw new LimbeckError(
      'file',
      `${where}: expected external data in the folder of the model, got '${location}'.`,
    )
  }
  const path = inFolder(external.folder, location)
  let size: number
  try {
    size = external.files.size(path)
  } catch (cause) {
    throw new LimbeckError('file', `${where}: its external data ${location} is missing.`, {
      hint: 'Copy or download it into the folder of the model.',
      cause,
    })
  }
  if (!isInside(path, external.roots, external.files.realpath)) {
    throw new LimbeckError(
      'file',
      `${where}: its external data ${location} is a link out of the folder of the model.`,
    )
  }
  return { path, size }
}
