/**
 * `testing/arrow.parquet` was written by pyarrow 26.0.1: `pq.write_table(table, path, row_group_size=2,
 * compression='zstd')`, columns as below (string, large_string, int64, dictionary, float32, bool, null, lists
 * and a struct of lists), `huggingface` metadata as `datasets` writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, test } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import { scratchFolder } from '../../test/support/tensors.ts'
import { LimbeckError } from '../errors.ts'
import { randomFrom } from '../stats/random.ts'
import { readParquet } from './read-parquet.ts'
import { readClassNames, readColumnNames, readTable } from './read-table.ts'

const arrow = join(import.meta.dirname, 'testing/arrow.parquet')
const scratch = scratchFolder()

const rowsOf = async (path: string, columns?: readonly string[]) => {
  const rows = []
  for await (const row of readParquet(path, columns)) rows.push(row)
  return rows
}
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(scratch, name), bytes)
  return join(scratch, name)
}

describe('a file of pyarrow', () => {
  test('values of every kind, over row groups', async () => {
    const rows = await rowsOf(arrow)
    expect(rows.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5])
    expect(rows[1]!.cells).toEqual({
      id: 'q1',
      text: 'naïve — 日本 🙂',
      label: 0,
      kind: 'b',
      score: null,
      flag: false,
      nothing: null,
      tokens: [],
      ner_tags: [],
      answers: { text: [], answer_start: [] },
    })
    expect(rows[3]!.cells).toMatchObject({
      kind: null,
      score: 3,
      tokens: ['Ada', 'Lovelace', '.'],
      ner_tags: [1, 2, 0],
      answers: { text: ['c'], answer_start: [1] },
    })
    expect(rows[2]!.cells.answers).toEqual({ text: ['a', 'b'], answer_start: [0, 2] })
    expect(rows[4]!.cells).toMatchObject({ label: -1, tokens: null })
  })

  test('columns by name or number; of nested ones the outermost; class names', async () => {
    expect((await readColumnNames(arrow)).slice(0, 3)).toEqual(['id', 'text', 'label'])
    const rows = []
    for await (const row of readTable(arrow, { text: 'text', label: 3 })) rows.push(row)
    expect(rows[3]).toEqual({ line: 4, cells: { text: 'tab\there "quoted"', label: 0 } })
    expect(await readClassNames(arrow, 'label')).toEqual(['neg', 'pos'])
    expect(await readClassNames(arrow, 9)).toEqual(['O', 'B-PER', 'I-PER'])
    expect(await readClassNames(arrow, 'text')).toBeUndefined()
    await expect(readTable(arrow, { text: 'txt' }).next()).rejects.toThrow(
      /no column 'txt'; the columns are 'id', 'text'/,
    )
  })
})

describe('files of hyparquet-writer', () => {
  const text = Array.from({ length: 2500 }, (_, i) => `row ${i}`)
  const label = text.map((_, i) => BigInt(i % 3))
  const write = (options: object = {}) =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: text, type: 'STRING' },
          { name: 'label', data: label, type: 'INT64' },
          { name: 'unused', data: text.map((one) => one.repeat(20)), type: 'STRING' },
        ],
        ...options,
      }),
    )

  test('row groups are read one by one, and reading may stop', async () => {
    const path = file('groups.parquet', write({ rowGroupSize: 1000 }))
    const rows = await rowsOf(path, ['text', 'label'])
    expect(rows).toHaveLength(2500)
    expect(rows[2001]).toEqual({ line: 2002, cells: { text: 'row 2001', label: 0 } })
    for await (const { line } of readParquet(path)) if (line === 3) break
  })

  test('damaged files are refused, never believed', async () => {
    const bytes = write({ rowGroupSize: 1000 })
    const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
      ['empty', new Uint8Array(0), /it has 0 bytes/],
      ['text', Buffer.from('text\tlabel\nhello\t1\n'), /it begins with "text", not PAR1/],
      ['cut', bytes.subarray(0, bytes.length / 2), /it does not end with PAR1/],
      ['middle', Buffer.concat([bytes.subarray(0, 900), bytes.subarray(4000)]), /not a sound/],
      ['encrypted', Buffer.concat([Buffer.from('PARE'), bytes.subarray(4)]), /is encrypted/],
    ]
    for (const [name, content, error] of cases) {
      await expect(rowsOf(file(`${name}.parquet`, content)), name).rejects.toThrow(error)
    }
    await expect(rowsOf(join(scratch, 'none.parquet'))).rejects.toThrow(/it does not exist/)
    await expect(rowsOf(scratch)).rejects.toThrow(/it is a folder/)
  })

  test('a codec that nobody knows is named', async () => {
    const bytes = write({ codec: 'LZO', compressors: { LZO: (page: Uint8Array) => page } })
    await expect(rowsOf(file('lzo.parquet', bytes))).rejects.toThrow(
      /compressed by LZO, which is not known; known are .*ZSTD/,
    )
  })
})

test('no mutation of a file crashes, hangs or takes much memory', async () => {
  const sources = [
    readFileSync(arrow),
    Buffer.from(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: ['a', 'b', 'a', 'c'].flatMap((x) => [x, x, x]), type: 'STRING' },
          {
            name: 'flag',
            data: Array.from({ length: 12 }, (_, i) => i % 2 === 0),
            type: 'BOOLEAN',
          },
        ],
      }),
    ),
  ]
  const random = randomFrom(23)
  let refused = 0
  const spent = cpuClock()
  for (let i = 0; i < 1500; i++) {
    const bytes = Uint8Array.from(sources[i % 2]!)
    for (let n = 0; n <= random.below(3); n++) bytes[random.below(bytes.length)] = random.below(256)
    const rows = await rowsOf(file('mutant.parquet', bytes)).catch((error: unknown) => {
      expect(error, `mutation ${i}: ${(error as Error).stack}`).toBeInstanceOf(LimbeckError)
      refused++
      return []
    })
    expect(rows.length).toBeLessThan(100)
  }
  expect(refused).toBeGreaterThan(300)
  expect(spent()).toBeLessThan(30_000)
})
