/**
 * Columns by the names that data sets give them, for files whose columns nobody named.
 *
 * One idea: take what is beyond doubt and ask for the rest. A pair of texts is known by both names, a
 * single text and a label by one; two candidates for one part are a question, not a choice. Names are
 * those of GLUE's files, of its copies on the Hugging Face Hub, and of the sets that most examples use.
 */
import { LimbeckError } from '../errors.ts'
import type { Column } from './read-table.ts'

/** What a part of an example is. */
export type Part = 'text' | 'textPair' | 'label'

/** Columns that were found; a part that no column has is absent. */
export type FoundColumns = { readonly [P in Part]?: Column }

const pairs: readonly (readonly [string, string])[] = [
  ['sentence1', 'sentence2'],
  ['#1 string', '#2 string'],
  ['question1', 'question2'],
  ['question', 'sentence'],
  ['question', 'passage'],
  ['premise', 'hypothesis'],
  ['sentence_a', 'sentence_b'],
  ['text1', 'text2'],
  ['text_a', 'text_b'],
  ['query', 'passage'],
  ['query', 'document'],
]

const texts: readonly string[] = [
  'text',
  'sentence',
  'review',
  'content',
  'question',
  'query',
  'tweet',
  'utterance',
]

/** Names of labels, and whether such a column may hold scores. */
const labels: Readonly<Record<string, { readonly number: boolean }>> = {
  label: { number: true },
  score: { number: true },
  similarity: { number: true },
  similarity_score: { number: true },
  relatedness_score: { number: true },
  relevance: { number: true },
  is_duplicate: { number: true },
  rating: { number: true },
  stars: { number: true },
  labels: { number: false },
  gold_label: { number: false },
  coarse_label: { number: false },
  quality: { number: false },
  sentiment: { number: false },
  intent: { number: false },
  category: { number: false },
  class: { number: false },
}

/** What is looked for. */
export interface ColumnSearch {
  /** Columns that the user named. */
  readonly given: FoundColumns
  /** Whether a label is wanted, and whether it must be a number. */
  readonly label: 'none' | 'class' | 'number'
}

/**
 * The parts that nobody named, by the names of a file's columns. A text that was given stands alone
 * unless its second one was given too.
 * @param where the file, for the error. @throws LimbeckError when two columns could be one part.
 */
export function findColumns(
  names: readonly string[],
  { given, label }: ColumnSearch,
  where: string,
): FoundColumns {
  const own = new Set(Object.values(given).map((column) => nameOf(column, names)))
  const free = names.filter((name) => !own.has(name))
  const spelled = (wanted: string) => free.filter((name) => name.toLowerCase() === wanted)
  const found: { -readonly [P in Part]?: Column } = {}
  if (given.text === undefined) {
    const chosen = only('text', textsAmong(spelled, given.textPair === undefined), where)
    if (chosen?.[0] !== undefined) found.text = chosen[0]
    if (chosen?.[1] !== undefined) found.textPair = chosen[1]
  }
  if (given.label === undefined && label !== 'none') {
    const fitting = Object.keys(labels).filter((name) => label === 'class' || labels[name]!.number)
    const candidates = fitting.flatMap(spelled).filter((name) => name !== found.text)
    const chosen = only(
      'label',
      candidates.map((name) => [name]),
      where,
    )
    if (chosen?.[0] !== undefined) found.label = chosen[0]
  }
  return found
}

const nameOf = (column: Column | undefined, names: readonly string[]) =>
  typeof column === 'number' ? names[column - 1] : column

/** The pairs, and the single texts that are in none. */
function textsAmong(
  spelled: (name: string) => readonly string[],
  pairsToo: boolean,
): readonly (readonly string[])[] {
  const both = pairsToo
    ? pairs.flatMap(([a, b]) =>
        spelled(a).flatMap((first) => spelled(b).map((second) => [first, second])),
      )
    : []
  const taken = new Set(both.flat())
  const alone = texts.flatMap(spelled).filter((name) => !taken.has(name))
  return [...both, ...alone.map((name) => [name])]
}

function only(
  part: 'text' | 'label',
  candidates: readonly (readonly string[])[],
  where: string,
): readonly string[] | undefined {
  if (candidates.length < 2) return candidates[0]
  const shown = candidates.map((names) => names.map((name) => `'${name}'`).join(' with '))
  throw new LimbeckError('usage', `${where}: the ${part} could be ${shown.join(' or ')}.`, {
    hint: `Name the one to read with --${part}.`,
  })
}

/** Files without a header that a row gives away: its columns, by number. */
const headerless: readonly {
  readonly fits: (cells: readonly string[]) => boolean
  readonly columns: FoundColumns
}[] = [
  {
    // CoLA: source, label, the author's mark, sentence
    fits: (cells) => cells.length === 4 && /^[01]$/.test(cells[1]!) && /^\*?$/.test(cells[2]!),
    columns: { text: 4, label: 2 },
  },
  {
    // STS benchmark: genre, file, year, number, score, two sentences, and sources in some rows
    fits: (cells) =>
      cells.length >= 7 && /^\d+$/.test(cells[3]!) && /^[0-5](\.\d+)?$/.test(cells[4]!),
    columns: { text: 6, textPair: 7, label: 5 },
  },
]

/** The columns of a headerless file whose first row is that of a known set. */
export const columnsOfFirstRow = (cells: readonly string[]): FoundColumns | undefined =>
  headerless.find(({ fits }) => fits(cells))?.columns
