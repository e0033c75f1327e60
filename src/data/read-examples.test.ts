import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { labelMap } from './label-map.ts'
import { type ExampleOptions, readExamples, type TargetKind } from './read-examples.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const read = async <K extends TargetKind>(path: string, options: ExampleOptions<K>) => {
  const examples = []
  for await (const example of readExamples(path, options)) examples.push(example)
  return examples
}
const labels = labelMap(['no', 'yes', 'maybe, later'])

describe('readExamples', () => {
  test('classes of texts and of pairs', async () => {
    const path = file('c.tsv', 'a\tb\ty\none\ttwo\tyes\nthree\tfour\t0\n')
    const columns = { text: 'a', target: 'y' }
    expect(await read(path, { columns, kind: 'class', labels })).toEqual([
      { text: 'one', target: 1, line: 2 },
      { text: 'three', target: 0, line: 3 },
    ])
    const pairs = { ...columns, textPair: 'b' }
    expect(await read(path, { columns: pairs, kind: 'class', labels, limit: 1 })).toEqual([
      { text: 'one', textPair: 'two', target: 1, line: 2 },
    ])
  })

  test('several classes: parted by bar or comma, as a JSON array, or none', async () => {
    const columns = { text: 1, target: 2 }
    const path = file(
      'm.tsv',
      'a\tyes|no\nb\tyes,no,yes\nc\t["maybe, later"]\nd\t\ne\tmaybe, later\n',
    )
    const examples = await read(path, { columns, kind: 'classes', labels })
    expect(examples.map(({ target }) => target)).toEqual([[0, 1], [0, 1], [2], [], [2]])
    const json = file('m.jsonl', '{"t":"a","y":["yes",2]}\n')
    const [example] = await read(json, {
      columns: { text: 't', target: 'y' },
      kind: 'classes',
      labels,
    })
    expect(example?.target).toEqual([1, 2])
  })

  test('numbers, and text alone', async () => {
    const path = file('n.jsonl', '{"t":"a","y":"3.5"}\n{"t":7,"y":-1e-3}\n')
    const columns = { text: 't', target: 'y' }
    const numbers = await read(path, { columns, kind: 'number' })
    expect(numbers.map(({ target }) => target)).toEqual([3.5, -0.001])
    expect(await read(path, { columns: { text: 't' }, kind: 'none' })).toEqual([
      { text: 'a', target: undefined, line: 1 },
      { text: '7', target: undefined, line: 2 },
    ])
    const texts = file('t.txt', 'one\ntwo\n')
    expect(await read(texts, { columns: { text: 'text' }, kind: 'none' })).toHaveLength(2)
  })

  test('errors name file and line', async () => {
    const columns = { text: 1, target: 2 }
    const path = file('bad.tsv', 'a\tyes\nb\tperhaps\n')
    await expect(read(path, { columns, kind: 'class', labels })).rejects.toThrow(
      `${path}:2: unknown label 'perhaps'`,
    )
    await expect(read(path, { columns, kind: 'number' })).rejects.toThrow(
      `${path}:1: expected a number, got 'yes'.`,
    )
    const empty = file('e.tsv', 'a\t\n')
    await expect(read(empty, { columns, kind: 'number' })).rejects.toThrow(/got ''/)
    const json = file('j.jsonl', '{"t":null}\n')
    const text = { columns: { text: 't' }, kind: 'none' } as const
    await expect(read(json, text)).rejects.toThrow(`${json}:1: expected a text, got null.`)
    const array = file('b.tsv', 'a\t[yes\n')
    await expect(read(array, { columns, kind: 'classes', labels })).rejects.toThrow(/JSON array/)
  })

  test('misuse: no target column, no labels', async () => {
    const path = file('u.tsv', 'a\tb\n')
    await expect(read(path, { columns: { text: 1 }, kind: 'class', labels })).rejects.toMatchObject(
      {
        code: 'usage',
      },
    )
    const columns = { text: 1, target: 2 }
    await expect(read(path, { columns, kind: 'class' })).rejects.toMatchObject({ code: 'usage' })
  })
})

describeWith(realData('text'), 'published data sets as examples', () => {
  test('MRPC: 279 of 408 dev pairs are equivalent (GLUE, majority class 68.4 %)', async () => {
    const examples = await read(realData('text/mrpc/dev.tsv'), {
      columns: { text: '#1 String', textPair: '#2 String', target: 'Quality' },
      kind: 'class',
      labels: labelMap(['not_equivalent', 'equivalent']),
    })
    expect(examples.filter(({ target }) => target === 1)).toHaveLength(279)
    expect(examples).toHaveLength(408)
  })

  test('STS-B: scores lie in 0-5', async () => {
    const examples = await read(realData('text/stsb/original/sts-test.tsv'), {
      columns: { text: 6, textPair: 7, target: 5 },
      kind: 'number',
    })
    expect(examples).toHaveLength(1379)
    expect(examples.every(({ target }) => target >= 0 && target <= 5)).toBe(true)
  })
})
