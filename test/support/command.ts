/**
 * The command line as users run it: built JavaScript in a process of its own, in a folder of its own with
 * a folder of its own for temporary files, so that whatever it leaves behind is seen.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')
/** The model and data that come with the package. */
export const example = join(root, 'examples/support-desk')
/** The built command. */
export const main = join(root, 'dist/cli/main.js')

/** A process that ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Called with the process, and all of its stderr so far, whenever more comes. */
  readonly onStderr?: (text: string, child: ChildProcess) => void
}

/** Runs a program to its end; its temporary files go to `<cwd>/tmp`. */
export function command(
  file: string,
  args: readonly string[],
  { cwd, env, onStderr }: CommandOptions,
): Promise<Ended> {
  const tmp = join(cwd, 'tmp')
  mkdirSync(tmp, { recursive: true })
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', TMPDIR: tmp, TEMP: tmp, TMP: tmp, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    onStderr?.(stderr, child)
  })
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}

/** Runs `limbeck`. */
export const limbeck = (args: readonly string[], options: CommandOptions): Promise<Ended> =>
  command(process.execPath, [main, ...args], options)

/** What became of each file of a copied model folder: other bytes, or gone. */
export type Changes = Readonly<Record<string, string | Uint8Array | null>>

const modelFiles = [
  'config.json',
  'model.safetensors',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.txt',
] as const

/** The example's model in a folder of its own, with the changed files. */
export function modelWith(folder: string, changes: Changes = {}): string {
  mkdirSync(folder, { recursive: true })
  for (const name of modelFiles) {
    if (!(name in changes)) copyFileSync(join(example, name), join(folder, name))
  }
  for (const [name, bytes] of Object.entries(changes)) {
    if (bytes !== null) writeFileSync(join(folder, name), bytes)
  }
  return folder
}

/** Every path below a folder with the hash of its bytes: equal when nothing was touched. */
export function contentsOf(folder: string, below = ''): Record<string, string> {
  const contents: Record<string, string> = {}
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const path = join(folder, name)
    const shown = join(below, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) {
      contents[`${shown}/`] = ''
      Object.assign(contents, contentsOf(path, shown))
    } else if (stat.isFile()) {
      contents[shown] = createHash('sha256').update(readFileSync(path)).digest('hex')
    } else {
      contents[shown] = 'link'
    }
  }
  return contents
}

/** The first rows of the example's test data, as a file. */
export function dataSlice(file: string, rows: number, header = 'text\tlabel'): string {
  const lines = readFileSync(join(example, 'test.tsv'), 'utf8').split('\n')
  writeFileSync(file, `${[header, ...lines.slice(1, rows + 1)].join('\n')}\n`)
  return file
}

/** Empties a folder. */
export function clear(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}
