/** A page that a job writes beside what it prints. */
import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { writeFilesWhole } from '../hub/node-files.ts'

/** Its absolute path. @throws LimbeckError `usage` for one that cannot be written, before anything is measured. */
export function pageFile(output: string): string {
  const refuse = (why: string, hint: string): LimbeckError =>
    new LimbeckError('usage', `--output ${output}: ${why}.`, { hint })
  const file = resolve(output)
  if (!output.toLowerCase().endsWith('.html')) {
    throw refuse('expected a page', 'End it with .html; --json prints the figures.')
  }
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw refuse(
      'expected a file, found a folder',
      `Give a file, such as ${join(output, 'a.html')}.`,
    )
  }
  if (!existsSync(dirname(file))) throw refuse(`there is no folder ${dirname(output)}`, 'Make it.')
  return file
}

/** Writes it, whole or not at all. */
export function writePage(page: string, file: string): void {
  const bytes = new TextEncoder().encode(page)
  writeFilesWhole(dirname(file), (open) => open(basename(file)).write(bytes))
}
