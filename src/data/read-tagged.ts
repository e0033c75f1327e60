/** Sentences of words with tags, from CoNLL columns or from a table of lists. */

import { dataExtension } from './read-bytes.ts'
import { type ConllOptions, readConll, type TaggedExample } from './read-conll.ts'
import { readTaggedRows, taggedColumns } from './tagged-rows.ts'

/** Endings of tables whose cells hold lists. */
const tables: ReadonlySet<string> = new Set(['parquet', 'parq', 'pq', 'jsonl', 'ndjson', 'json'])

/** Whether a file is a table of lists; else it has CoNLL columns. */
export const isTaggedTable = (path: string): boolean => tables.has(dataExtension(path))

/** Reads sentences one by one; see `readConll` and `readTaggedRows`. */
export async function* readTagged(
  path: string,
  options: ConllOptions,
): AsyncGenerator<TaggedExample> {
  if (!isTaggedTable(path)) {
    yield* readConll(path, options)
    return
  }
  const { labels, limit = Number.POSITIVE_INFINITY } = options
  let count = 0
  for await (const row of readTaggedRows(path, await taggedColumns(path, options))) {
    if (count++ >= limit) return
    const { line, words, tags } = row
    const target = tags.map((tag) => labels.classOf(tag, `${path}:${line}`))
    yield { text: words.join(' '), words, target, line }
  }
}
