/**
 * Labels of a data file as the class numbers of a model.
 *
 * A label is looked up by name, then ignoring case, then as a class number (GLUE writes 0 and 1
 * where the model says negative and positive), so that a model whose names are numbers keeps its
 * names. Labels that were given or inferred go before all of that.
 */
import { LimbeckError, nearest, showValue } from '../errors.ts'

/** Finds the class of a label as it is written in data. */
export interface LabelMap {
  /** Name of each class; index is the class number. */
  readonly names: readonly string[]
  /**
   * Class number of a label.
   * @param where file and line for the error.
   * @throws LimbeckError for a label that is none of the model's.
   */
  classOf(label: unknown, where: string): number
  /** Class number, or undefined where `classOf` would throw. */
  find(label: unknown): number | undefined
  /** Labels that were found so far as they were written, at most 1,000, and their classes. */
  readonly found: ReadonlyMap<string, number>
}

/** Labels whose classes are known without the model's names. */
export interface KnownLabels {
  readonly classes: ReadonlyMap<string, number>
  /** Whether all other labels are looked up by name alone: numbers then mean what `classes` says. */
  readonly namesOnly?: boolean | undefined
}

const MOST_FOUND = 1000

/**
 * The map of a model's `id2label` (`{ "0": "negative", ... }` as in config.json, or names in
 * order).
 * @throws LimbeckError when the ids are not 0, 1, ... without a gap.
 */
export function labelMap(
  id2label: Readonly<Record<string, string>> | readonly string[],
  { classes, namesOnly = false }: KnownLabels = { classes: new Map() },
): LabelMap {
  const names = Object.keys(id2label).map((_, id) => (id2label as Record<string, string>)[id])
  if (names.some((name) => typeof name !== 'string')) {
    const ids = Object.keys(id2label).join(', ')
    throw new LimbeckError(
      'input',
      `id2label: expected the ids 0, 1, ... with names, got ${ids}.`,
      {
        hint: "Correct 'id2label' in config.json.",
      },
    )
  }
  const known = names as string[]
  const byName = new Map(known.map((name, id) => [name, id]))
  const byLowerCase = new Map<string, number | undefined>()
  for (const [id, name] of known.entries()) {
    const key = name.toLowerCase()
    // two names that differ in case only are told apart by case alone
    byLowerCase.set(key, byLowerCase.has(key) ? undefined : id)
  }
  const lookUp = (text: string): number | undefined => {
    const named = classes.get(text) ?? byName.get(text) ?? byLowerCase.get(text.toLowerCase())
    if (named !== undefined || namesOnly) return named
    return /^\d+(\.0+)?$/.test(text) && Number(text) < known.length ? Number(text) : undefined
  }
  const found = new Map<string, number>()
  const find = (label: unknown): number | undefined => {
    const text = labelText(label).trim()
    const id = found.get(text) ?? lookUp(text)
    if (id !== undefined && found.size < MOST_FOUND) found.set(text, id)
    return id
  }
  const classOf = (label: unknown, where: string): number =>
    find(label) ?? unknownLabel(label, where, known)
  return { names: known, classOf, find, found }
}

/** Hugging Face's mark of a label that a test set does not tell. */
const hidden = 'A label of -1 stands for one that a test set keeps hidden: take a file with labels.'

/** A cell as it is written; JSON may hold a list or an object where a label is expected. */
const labelText = (label: unknown): string =>
  typeof label === 'object' && label !== null ? showValue(label) : String(label ?? '')

function unknownLabel(label: unknown, where: string, names: readonly string[]): never {
  const text = labelText(label).slice(0, 60)
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ', ...' : '')
  const near = nearest(text, names)
  const range = `0-${names.length - 1}`
  throw new LimbeckError(
    'input',
    `${where}: unknown label '${text}'; the model's labels are ${shown} (or ${range}).`,
    {
      hint:
        text === '-1'
          ? hidden
          : near === undefined
            ? 'Check the label column and whether the file has a header, or say what the labels mean with --label-map.'
            : `Did you mean '${near}'?`,
    },
  )
}
