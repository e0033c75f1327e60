/**
 * Sentences of a table, one a row: a list of words and a list of their tags, as the Hugging Face Hub's
 * copies of CoNLL-2003, WNUT and their like have them (`tokens`, `ner_tags`).
 */
import { LimbeckError } from '../errors.ts'
import type { Column } from './read-table.ts'
import { readColumnNames, readTable } from './read-table.ts'

const wordNames = ['tokens', 'words']
const tagNames = ['ner_tags', 'ner', 'tags', 'labels']

/** Columns of words and tags. */
export interface TaggedColumns {
  readonly text: Column
  readonly tag: Column
}

/** A sentence with its tags as written. */
export interface TaggedRow {
  readonly line: number
  readonly words: readonly string[]
  readonly tags: readonly unknown[]
}

/** Whether columns hold words and tags by known names. */
export const areSentences = (names: readonly string[]): boolean =>
  [wordNames, tagNames].every((known) => known.some((name) => names.includes(name)))

/** The columns of words and tags: those given, else the first of the known names. */
export async function taggedColumns(
  path: string,
  given: { readonly text?: Column | undefined; readonly tag?: Column | undefined },
): Promise<TaggedColumns> {
  const names = await readColumnNames(path)
  const text = given.text ?? wordNames.find((name) => names.includes(name))
  const tag = given.tag ?? tagNames.find((name) => names.includes(name))
  if (text !== undefined && tag !== undefined) return { text, tag }
  const [what, flag] = text === undefined ? ['words', '--text'] : ['tags', '--label']
  const shown = names.map((name) => `'${name.slice(0, 40)}'`).join(', ')
  throw new LimbeckError(
    'usage',
    `${path}: cannot tell which column holds the ${what}; the columns are ${shown}.`,
    { hint: `Name it with ${flag}.` },
  )
}

/** Reads sentences. @throws LimbeckError naming file and row where words and tags do not fit. */
export async function* readTaggedRows(
  path: string,
  columns: TaggedColumns,
): AsyncGenerator<TaggedRow> {
  for await (const { line, cells } of readTable(path, { ...columns })) {
    const where = `${path}:${line}`
    const [words, tags] = [listOf(cells.text, where, 'words'), listOf(cells.tag, where, 'tags')]
    if (words.length !== tags.length) {
      throw new LimbeckError(
        'input',
        `${where}: expected a tag for each word, got ${words.length} words and ${tags.length} tags.`,
      )
    }
    if (words.length > 0) yield { line, words: words.map(String), tags }
  }
}

function listOf(value: unknown, where: string, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value === null || value === undefined) return []
  throw new LimbeckError('input', `${where}: expected a list of ${what}, got ${typeof value}.`, {
    hint: 'Each row holds the words of a sentence and, in another column, their tags.',
  })
}
