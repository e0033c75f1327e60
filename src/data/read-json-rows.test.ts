import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { collectGarbage } from '../../test/support/collect-garbage.ts'
import { scratchFolder } from '../../test/support/tensors.ts'
import { LimbeckError } from '../errors.ts'
import { randomFrom } from '../stats/random.ts'
import { readJsonRows } from './read-json-rows.ts'
import { readColumnNames, readTable } from './read-table.ts'

const scratch = scratchFolder()
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(scratch, name), content)
  return join(scratch, name)
}
const rowsOf = async (content: string | Uint8Array, name = 'rows.json') => {
  const rows = []
  for await (const row of readJsonRows(file(name, content))) rows.push(row)
  return rows
}

const examples = [
  { text: 'brackets ] } [ { in "quotes" \\', label: 1 },
  { text: 'nested', label: { deep: [[1], { a: [] }] } },
  { text: 'naïve 日本 🙂', label: null },
]

describe('readJsonRows', () => {
  test('an array of objects, alone or as a value, with its lines', async () => {
    const pretty = JSON.stringify(examples, null, 2)
    const rows = await rowsOf(`\ufeff${pretty}\n`)
    expect(rows.map(({ cells }) => cells)).toEqual(examples)
    expect(rows.map(({ line }) => line)).toEqual([2, 6, 19])
    const held = { version: '1', about: { tags: ['a'] }, data: examples, more: [1] }
    expect((await rowsOf(JSON.stringify(held))).map(({ cells }) => cells)).toEqual(examples)
    expect(await rowsOf('[]')).toEqual([])
  })

  test('elements over the pieces in which a file is read, compressed too', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ text: `é"]}${i}`.repeat(9), label: i }))
    const json = JSON.stringify(many)
    expect((await rowsOf(json)).map(({ cells }) => cells)).toEqual(many)
    for (const [name, content] of [
      ['rows.json.gz', gzipSync(json)],
      ['rows.json.br', brotliCompressSync(json)],
    ] as const) {
      expect(await rowsOf(content, name)).toHaveLength(5000)
    }
  })

  test('as a table: columns by key', async () => {
    const path = file('table.json', JSON.stringify(examples))
    expect(await readColumnNames(path)).toEqual(['text', 'label'])
    const rows = []
    for await (const row of readTable(path, { text: 'text' })) rows.push(row)
    expect(rows).toHaveLength(3)
    await expect(readTable(file('empty.json', '[]'), { text: 'text' }).next()).rejects.toThrow(
      'expected rows of data, got nothing',
    )
  })

  test('errors name the line', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['[{"text": "a"},\n{"text": b}]', /:2: this element is not JSON/],
      ['[{"text": "a"},\n7]', /:2: expected an object, got 7/],
      ['[{"text": "a"', /:1: the document ends in the middle/],
      ['{"text": {"0": "a"}}', /expected an array of objects, found none/],
      ['text\n', /:1: expected an array, got 't'/],
      ['"text"', /expected an array, got '"'/],
    ]
    for (const [content, error] of cases) await expect(rowsOf(content)).rejects.toThrow(error)
  })

  test('no mutation crashes', async () => {
    const source = Buffer.from(JSON.stringify({ data: examples }, null, 1))
    const random = randomFrom(5)
    for (let i = 0; i < 400; i++) {
      const bytes = Uint8Array.from(source)
      for (let n = 0; n < 3; n++) bytes[random.below(bytes.length)] = random.below(256)
      const rows = await rowsOf(bytes.subarray(0, random.below(bytes.length))).catch((error) => {
        expect(error).toBeInstanceOf(LimbeckError)
        return []
      })
      expect(rows.length).toBeLessThanOrEqual(8)
    }
  })
})

test('a file that unpacks to very much is a stream all the same', async () => {
  // 256 MiB of lines in a quarter of a megabyte
  const line = Buffer.from(`${'x'.repeat(1023)}\n`)
  const block = Buffer.concat(Array.from({ length: 1024 }, () => line))
  const member = gzipSync(block)
  const path = file('bomb.txt.gz', Buffer.concat(Array.from({ length: 256 }, () => member)))
  await collectGarbage()
  const before = process.memoryUsage()
  let [rows, most] = [0, 0]
  for await (const _ of readTable(path, { text: 1 })) {
    if (++rows % 20_000 > 0) continue
    await collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    most = Math.max(most, heapUsed + external - before.heapUsed - before.external)
  }
  expect(rows).toBe(256 * 1024)
  expect(most).toBeLessThan(64 * 2 ** 20)
})
