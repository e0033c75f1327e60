import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { labelMap } from './label-map.ts'
import { type ConllOptions, readConll, type TaggedExample } from './read-conll.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-conll-'))
afterAll(() => rmSync(folder, { recursive: true }))
const labels = labelMap(['O', 'B-per', 'I-per'])

async function read(text: string, options: Partial<ConllOptions> = {}): Promise<TaggedExample[]> {
  const path = join(folder, 'x.conll')
  writeFileSync(path, text)
  return all(path, { labels, ...options })
}

async function all(path: string, options: ConllOptions): Promise<TaggedExample[]> {
  const sentences: TaggedExample[] = []
  for await (const sentence of readConll(path, options)) sentences.push(sentence)
  return sentences
}

describe('readConll', () => {
  test('reads tabs or spaces, blank lines, documents and a last sentence without an end', async () => {
    const text =
      '-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-per\nruns VBZ B-VP O\r\n \t\nBob\tx\ty\tB-per\nof Y\tx\ty\tO'
    expect(await read(text)).toEqual([
      { text: 'Ada runs', words: ['Ada', 'runs'], target: [1, 0], line: 3 },
      { text: 'Bob of Y', words: ['Bob', 'of Y'], target: [1, 0], line: 6 },
    ])
  })

  test('takes the columns that are named and stops at the limit', async () => {
    const text = '1 Ada B-per _\n2 Li I-per _\n\n1 no O _\n'
    const columns = { text: 2, tag: 3, limit: 1 }
    expect(await read(text, columns)).toEqual([
      { text: 'Ada Li', words: ['Ada', 'Li'], target: [1, 2], line: 1 },
    ])
  })

  test('says where a tag is missing or unknown', async () => {
    await expect(read('Ada\tB-per\nLi\n')).rejects.toThrow(
      /x\.conll:2: expected a word and its tag/,
    )
    await expect(read('Ada\tB-per\nLi\t\n')).rejects.toThrow(/x\.conll:2: the word 'Li' has no tag/)
    await expect(read('Ada\tB-org\n')).rejects.toThrow(/x\.conll:1: unknown label 'B-org'/)
    await expect(read('Ada O\n', { text: 'word' })).rejects.toThrow(/have no names/)
  })
})

const wnut = realData('text/wnut17')
const types = ['person', 'location', 'group', 'creative-work', 'corporation', 'product']

describeWith(wnut, 'WNUT-17', () => {
  const names = labelMap(['O', ...types.flatMap((type) => [`B-${type}`, `I-${type}`])])

  test.each([
    ['wnut17train.conll', 3394],
    ['emerging.dev.conll', 1009],
    ['emerging.test.annotated', 1287],
  ])('%s has %i sentences', async (file, count) => {
    const sentences = await all(join(wnut, file), { labels: names })
    expect(sentences).toHaveLength(count)
    expect(sentences.every(({ words, target }) => words.length === target.length)).toBe(true)
  })
})
