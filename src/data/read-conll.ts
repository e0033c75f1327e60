/**
 * Sentences of a CoNLL file: one word a line with its columns, a blank line between sentences.
 *
 * Columns stand apart by tabs, or by any white space where a line holds no tab. `-DOCSTART-` lines mark
 * documents and are no sentences. A line of white space alone ends a sentence too (WNUT-17 has them).
 */
import { LimbeckError } from '../errors.ts'
import type { LabelMap } from './label-map.ts'
import type { Example } from './read-examples.ts'
import type { Column } from './read-table.ts'
import { readLines, type TextLine } from './read-text.ts'

/** A sentence: its words, and the class number of each word's tag. */
export interface TaggedExample extends Example<'tags'> {
  readonly words: readonly string[]
}

/** How a CoNLL file is read. */
export interface ConllOptions {
  /** Column of the words, by number; 1 by default. */
  readonly text?: Column | undefined
  /** Column of the tags, by number; the last one of each line by default. */
  readonly tag?: Column | undefined
  /** The model's tags. */
  readonly labels: LabelMap
  readonly encoding?: string | undefined
  /** Most sentences to read; all by default. */
  readonly limit?: number | undefined
}

/**
 * Reads sentences one by one; `line` of a sentence is that of its first word, and `text` its words with
 * a space between them.
 * @throws LimbeckError naming file and line for a missing column or a tag that is none of the model's.
 */
export async function* readConll(
  path: string,
  options: ConllOptions,
): AsyncGenerator<TaggedExample> {
  const { labels, limit = Number.POSITIVE_INFINITY } = options
  const wordAt = columnNumber(options.text ?? 1)
  const tagAt = options.tag === undefined ? undefined : columnNumber(options.tag)
  const least = Math.max(wordAt, tagAt ?? 2)
  let words: string[] = []
  let tags: number[] = []
  let first = 1
  let count = 0
  const sentence = (): TaggedExample => ({
    text: words.join(' '),
    words,
    target: tags,
    line: first,
  })
  for await (const line of readLines(path, options.encoding)) {
    if (line.text.trim() === '') {
      if (words.length > 0) {
        yield sentence()
        if (++count >= limit) return
      }
      words = []
      tags = []
      continue
    }
    if (line.text.startsWith('-DOCSTART-')) continue
    const cells = columnsOf(path, line, least)
    if (words.length === 0) first = line.line
    words.push(cells[wordAt - 1]!)
    tags.push(labels.classOf(tagOf(cells, tagAt, path, line.line), `${path}:${line.line}`))
  }
  if (words.length > 0) yield sentence()
}

function columnsOf(path: string, { text, line }: TextLine, least: number): string[] {
  const cells = text.includes('\t') ? text.split('\t') : text.trim().split(/\s+/)
  if (cells.length >= least) return cells.map((cell) => cell.trim())
  throw new LimbeckError(
    'input',
    `${path}:${line}: expected a word and its tag in at least ${least} columns, got ${cells.length}.`,
    { hint: 'Columns stand apart by tabs or spaces; sentences stand apart by blank lines.' },
  )
}

function tagOf(cells: readonly string[], at: number | undefined, path: string, line: number) {
  const tag = at === undefined ? cells.at(-1) : cells[at - 1]
  if (tag) return tag
  throw new LimbeckError('input', `${path}:${line}: the word '${cells[0]}' has no tag.`, {
    hint: 'Write O where a word is in no entity.',
  })
}

function columnNumber(column: Column): number {
  if (typeof column === 'number' && Number.isInteger(column) && column > 0) return column
  throw new LimbeckError('usage', `column '${column}': CoNLL columns have no names.`, {
    hint: 'Give them by number, the first is 1.',
  })
}
