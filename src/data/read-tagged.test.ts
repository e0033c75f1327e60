import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../../test/support/tensors.ts'
import { labelMap } from './label-map.ts'
import { readSquad } from './read-squad.ts'
import { readTagged } from './read-tagged.ts'

const arrow = join(import.meta.dirname, 'testing/arrow.parquet')
const scratch = scratchFolder()
const labels = labelMap(['O', 'B-PER', 'I-PER'])
const sentencesOf = async (path: string, options: object = {}) => {
  const sentences = []
  for await (const sentence of readTagged(path, { labels, ...options })) sentences.push(sentence)
  return sentences
}
const jsonl = (name: string, ...rows: readonly object[]): string => {
  writeFileSync(join(scratch, name), rows.map((row) => JSON.stringify(row)).join('\n'))
  return join(scratch, name)
}

test('sentences of Parquet: numbers of tags, empty rows left out', async () => {
  expect(await sentencesOf(arrow)).toEqual([
    { text: 'Ada wrote', words: ['Ada', 'wrote'], target: [1, 0], line: 1 },
    { text: 'x', words: ['x'], target: [0], line: 3 },
    { text: 'Ada Lovelace .', words: ['Ada', 'Lovelace', '.'], target: [1, 2, 0], line: 4 },
  ])
  expect(await sentencesOf(arrow, { limit: 1 })).toHaveLength(1)
})

test('sentences of JSONL: names of tags, columns by name', async () => {
  const path = jsonl('a.jsonl', { words: ['Ada'], ner: ['B-PER'], pos: ['O'] })
  expect((await sentencesOf(path))[0]!.target).toEqual([1])
  expect((await sentencesOf(path, { tag: 'pos' }))[0]!.target).toEqual([0])
  await expect(sentencesOf(jsonl('b.jsonl', { words: ['Ada'], pos: [] }))).rejects.toThrow(
    /cannot tell which column holds the tags; the columns are 'words', 'pos'/,
  )
  await expect(sentencesOf(jsonl('c.jsonl', { words: ['Ada'], tags: [] }))).rejects.toThrow(
    /c\.jsonl:1: expected a tag for each word, got 1 words and 0 tags/,
  )
  await expect(sentencesOf(jsonl('d.jsonl', { words: 'Ada', tags: 'O' }))).rejects.toThrow(
    /expected a list of words, got string/,
  )
})

test('questions of a table', async () => {
  const context = 'It was written by Ada.'
  const rows = [
    { id: 'a', question: 'Who?', context, answers: { text: ['Ada'], answer_start: [18] } },
    { id: 'b', question: 'When?', context, answers: { text: [], answer_start: [] } },
  ]
  const expected = {
    version: 'v2',
    questions: [
      { id: 'a', question: 'Who?', context, answers: ['Ada'], starts: [18] },
      { id: 'b', question: 'When?', context, answers: [], starts: [] },
    ],
  }
  expect(await readSquad(jsonl('qa.jsonl', ...rows))).toEqual(expected)
  for (const json of [rows, { data: rows }]) {
    writeFileSync(join(scratch, 'qa.json'), JSON.stringify(json))
    expect(await readSquad(join(scratch, 'qa.json'))).toEqual(expected)
  }
  expect(await readSquad(jsonl('v1.jsonl', rows[0]!))).toMatchObject({ version: 'v1.1' })
  expect((await readSquad(jsonl('qa.jsonl', ...rows), { limit: 1 })).version).toBe('v2')
  const outside = { ...rows[0]!, answers: ['Bob'] }
  await expect(readSquad(jsonl('bad.jsonl', outside))).rejects.toThrow(
    /bad\.jsonl:1: expected answers that stand in the context, found 'Bob'/,
  )
  await expect(readSquad(arrow)).rejects.toThrow("expected a column 'question' of questions")
})
