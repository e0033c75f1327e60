/**
 * Small results kept by the content that they were found from: JSON files in `limbeck` of the user's cache folder
 * (`LIMBECK_CACHE`, else `XDG_CACHE_HOME`, else `~/.cache`). Deleting the folder forgets them, and loses nothing.
 *
 * A file is written whole or not at all; one that cannot be read, or a folder that cannot be written, is as none.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseJson } from '../onnx/parse-json.ts'

export interface ResultCache {
  readonly file: string
  /** What is known; undefined where nothing is. */
  read(): unknown
  write(result: unknown): void
}

/** The cache folder of Limbeck. */
export function cacheFolder(variables: NodeJS.ProcessEnv = process.env): string {
  const own = variables.LIMBECK_CACHE?.trim()
  if (own) return resolve(own)
  return join(variables.XDG_CACHE_HOME?.trim() || join(homedir(), '.cache'), 'limbeck')
}

/** The place of a result of `kind` found from `content`: hashes of files, settings, versions. */
export function resultCache(kind: string, content: unknown): ResultCache {
  const key = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  const folder = join(cacheFolder(), kind)
  const file = join(folder, `${key}.json`)
  return {
    file,
    read() {
      try {
        return parseJson(readFileSync(file, 'utf8'))
      } catch {
        return undefined
      }
    },
    write(result) {
      const aside = `${file}.${process.pid}`
      try {
        mkdirSync(folder, { recursive: true })
      } catch {
        return
      }
      try {
        writeFileSync(aside, JSON.stringify(result))
        renameSync(aside, file)
      } catch {
        rmSync(aside, { force: true })
      }
    },
  }
}
