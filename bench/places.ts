/**
 * Where the benchmarks find fixtures, weights and results, and the temporary folder they work in.
 * `LIMBECK_FIXTURES` overrides the fixtures' folder.
 */
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, relative } from 'node:path'

/** The repository, from wherever the compiled script lies in it. */
export const root = rootAbove(import.meta.dirname)

const fixtures = process.env.LIMBECK_FIXTURES ?? join(root, '../shared/fixtures')
const data = join(fixtures, '../data')

/** `make-rivals.mjs`, `peers.py` and the rivals' graphs. */
export const rivalsFolder = join(fixtures, 'rivals')
/** all-MiniLM-L6-v2 as Hugging Face has it. */
export const miniLm = join(data, 'models/all-minilm-l6-v2')
/** MiniLM-L6 trained on SST-2. */
export const sst2Model = join(data, 'models/minilm-l6-sst2')
/** SST-2's training sentences, `sentence` and `label`. */
export const sentencesFile = join(data, 'text/sst2/train.tsv')
/** SST-2's judged sentences. */
export const sst2Dev = join(data, 'text/sst2/dev.tsv')
/** STS-B's judged pairs, without a header. */
export const stsbTest = join(data, 'text/stsb/original/sts-test.tsv')
/** Paragraphs of Wikipedia in English. */
export const paragraphsFile = join(data, 'text/squad-xquad-en/xquad.en.json')
/** Labelled text, a folder a set. */
export const textFolder = join(data, 'text')
/** Results that are committed. */
export const resultsFolder = join(root, 'bench/results')
/** The built command; `npm run build` makes it. */
export const builtCommand = join(root, 'dist/cli/main.js')

/** Runs `body` with a folder that is gone afterwards. */
export async function withTemporaryFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'limbeck-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const interrupted = (): void => {
    remove()
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  try {
    return await body(folder)
  } finally {
    process.off('SIGINT', interrupted)
    remove()
  }
}

/** A command as it would be typed in the repository: no path of this machine. */
export const typed = (args: readonly string[]): string =>
  args.map((arg) => (isAbsolute(arg) ? relative(root, arg) : arg)).join(' ')

/** Tells the user what is being done; results alone go to stdout. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`)

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const above = dirname(folder)
  if (above === folder) throw new Error('internal: the benchmarks lie outside a package')
  return rootAbove(above)
}
