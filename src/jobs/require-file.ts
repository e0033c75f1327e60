/** A file that a user named: there, and a file. */
import { existsSync } from 'node:fs'
import { LimbeckError } from '../errors.ts'
import { nodeFiles } from '../hub/node-files.ts'

/** A file that must be there. */
export function requireFile(file: string): string {
  if (existsSync(file)) {
    // tells a folder or a pipe from a file
    nodeFiles.size(file)
    return file
  }
  throw new LimbeckError('file', `${file}: there is no such file.`)
}
