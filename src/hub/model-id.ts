/**
 * Ids of models of the Hugging Face Hub as users write them: `org/name`, or `org/name@revision`.
 *
 * The rules are the Hub's own; they also make an id, a revision and a path of a repository safe as parts of
 * a path on this disk.
 */
import { LimbeckError } from '../errors.ts'

/** A model of the Hub. */
export interface ModelId {
  /** `org/name`. */
  readonly id: string
  /** Branch, tag or commit. */
  readonly revision: string | undefined
}

const part = String.raw`\w(?:[\w.-]*\w)?`
const idPattern = new RegExp(`^${part}/${part}$`)
const revisionPattern = /^[\w][\w.+-]*(?:\/[\w][\w.+-]*)*$/
/** What ends so is a file, whatever its folder. */
const fileEnding = /\.(?:onnx|safetensors|json|git)$/i

/** Reads an id; undefined where the text cannot be one. */
export function parseModelId(text: string): ModelId | undefined {
  const at = text.indexOf('@')
  const id = at < 0 ? text : text.slice(0, at)
  const revision = at < 0 ? undefined : text.slice(at + 1)
  const isId = idPattern.test(id) && id.length <= 96 && !/--|\.\./.test(id) && !fileEnding.test(id)
  if (!isId || (revision !== undefined && !isRevision(revision))) return undefined
  return { id, revision }
}

/** Whether a text may name a branch, tag or commit. */
export const isRevision = (text: string): boolean =>
  text.length <= 200 && revisionPattern.test(text) && !text.includes('..')

/** Whether a text is the full hash of a commit. */
export const isCommit = (text: unknown): text is string =>
  typeof text === 'string' && /^[0-9a-f]{40}$/.test(text)

/** A path of a repository, checked: inside it on every system. @throws LimbeckError `input`. */
export function checkedPath(where: string, path: unknown): string {
  const isSafe =
    typeof path === 'string' &&
    path.length <= 1000 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    !/[\\:\u0000-\u001f]/.test(path) &&
    path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
  if (isSafe) return path
  throw new LimbeckError(
    'input',
    `${where}: it names a file ${JSON.stringify(path)?.slice(0, 80)}, expected a path inside the repository.`,
    { hint: 'Nothing was written; do not trust this repository.' },
  )
}
