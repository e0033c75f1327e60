/** The files of a model folder by name: those that really stand in it, and are files. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkInside } from '../onnx/inside-folder.ts'
import { nodeFiles } from './node-files.ts'

/**
 * The path of a file of `folder`; undefined where there is none.
 * @throws LimbeckError for a link out of the folder, and for what is no file of bytes.
 */
export function folderFile(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  if (!existsSync(path)) return undefined
  checkInside(path, folder, nodeFiles.realpath)
  nodeFiles.size(path)
  return path
}
