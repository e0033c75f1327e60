import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import {
  type Column,
  parseColumn,
  readColumnNames,
  readTable,
  type TableOptions,
} from './read-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-table-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const rowsOf = async (path: string, columns: Record<string, Column>, options?: TableOptions) => {
  const rows: { line: number; cells: Record<string, unknown> }[] = []
  for await (const row of readTable(path, columns, options)) rows.push(row)
  return rows
}

describe('readTable', () => {
  test('TSV is cut at TABs only: quotes are text', async () => {
    const path = file('quotes.tsv', 'a\tb\r\n" one\ttwo\r\n"x"\t\'y\r\n')
    expect(await rowsOf(path, { left: 'a', right: 2 })).toEqual([
      { line: 2, cells: { left: '" one', right: 'two' } },
      { line: 3, cells: { left: '"x"', right: "'y" } },
    ])
  })

  test('CSV has quoted delimiters, quotes and line ends; lines are those of the record', async () => {
    const path = file('q.csv', 'text,label\n"a, ""b""\nc",1\n\nplain,0\n')
    expect(await rowsOf(path, { text: 'text', label: 'label' })).toEqual([
      { line: 3, cells: { text: 'a, "b"\nc', label: '1' } },
      { line: 5, cells: { text: 'plain', label: '0' } },
    ])
    const semicolons = file('s.csv', 'text;label\nx;1\n')
    const [row] = await rowsOf(semicolons, { label: 'label' }, { delimiter: ';' })
    expect(row?.cells).toEqual({ label: '1' })
  })

  test('JSONL keeps the types of its values; objects by key, arrays by number', async () => {
    const objects = file('o.jsonl', '{"t":"a","n":1.5}\n\n{"n":2,"t":"b","x":[1]}\n')
    expect(await rowsOf(objects, { t: 't', n: 'n' })).toEqual([
      { line: 1, cells: { t: 'a', n: 1.5 } },
      { line: 3, cells: { t: 'b', n: 2 } },
    ])
    expect(await rowsOf(file('a.jsonl', '["a",1]\n'), { n: 2 })).toEqual([
      { line: 1, cells: { n: 1 } },
    ])
  })

  test('a text file is one text per line, blank lines aside', async () => {
    expect(await rowsOf(file('t.txt', 'one\n\n  \ntwo\n'), { text: 'text' })).toEqual([
      { line: 1, cells: { text: 'one' } },
      { line: 4, cells: { text: 'two' } },
    ])
  })

  test('a header is expected when a column is asked by name, and can be stated', async () => {
    const path = file('h.tsv', 'a\tb\nc\td\n')
    const read = async (column: Column, header?: boolean) =>
      (await rowsOf(path, { x: column }, { header })).map(({ cells }) => cells.x)
    expect(await read('a')).toEqual(['c'])
    expect(await read(1)).toEqual(['a', 'c'])
    expect(await read(1, true)).toEqual(['c'])
    await expect(read('a', false)).rejects.toThrow(/no name in a headerless file/)
  })

  test('without a header rows may carry more cells than are asked for, never fewer', async () => {
    const path = file('extra.tsv', 'a\tb\tc\td\ne\tf\tg\n')
    expect((await rowsOf(path, { x: 3 })).map(({ cells }) => cells.x)).toEqual(['c', 'g'])
    await expect(rowsOf(path, { x: 4 })).rejects.toThrow(
      `${path}:2: expected at least 4 columns, got 3.`,
    )
  })

  test('with a header every row has its width', async () => {
    const path = file('ragged.tsv', 'a\tb\n1\t2\n3\t4\t5\n')
    await expect(rowsOf(path, { x: 'a' })).rejects.toThrow(
      `${path}:3: expected 2 columns as in the header, got 3.`,
    )
  })

  test('a missing column lists those that exist and the nearest', async () => {
    const path = file('m.tsv', 'sentence\tlabel\nx\t1\n')
    await expect(rowsOf(path, { text: 'sentense' })).rejects.toMatchObject({
      code: 'input',
      message: `${path}: no column 'sentense'; the columns are 'sentence', 'label'.`,
      hint: "Did you mean 'sentence'?",
    })
    await expect(rowsOf(path, { text: 3 }, { header: true })).rejects.toThrow(/no column number 3/)
    const json = file('m.jsonl', '{"text":"a"}\n{"txt":"a"}\n')
    await expect(rowsOf(json, { text: 'text' })).rejects.toThrow(
      `${json}:2: no column 'text'; the columns are 'txt'.`,
    )
    await expect(rowsOf(file('d.tsv', 'a\ta\n1\t2\n'), { x: 'a' })).rejects.toThrow(/two columns/)
  })

  test('a file without rows is an error, with or without a header', async () => {
    await expect(rowsOf(file('none.tsv', ''), { x: 1 })).rejects.toThrow(/got nothing\./)
    await expect(rowsOf(file('head.tsv', 'a\tb\n'), { x: 'a' })).rejects.toThrow(/only a header/)
  })

  test('malformed JSON and CSV name their line, an unknown extension those we know', async () => {
    const json = file('bad.jsonl', '{"a":1}\n{"a":\n')
    await expect(rowsOf(json, { x: 'a' })).rejects.toThrow(`${json}:2: this line is not JSON`)
    await expect(rowsOf(file('n.jsonl', '7\n'), { x: 'a' })).rejects.toThrow(/JSON object, got 7/)
    const csv = file('bad.csv', 'a,b\n"x"y,2\n')
    await expect(rowsOf(csv, { x: 'a' })).rejects.toThrow(`${csv}:2: malformed CSV`)
    await expect(rowsOf('data.xlsx', { x: 'a' })).rejects.toThrow(/'\.xlsx'; known are tsv, csv/)
    await expect(rowsOf(file('y.dat', 'a\n'), { x: 1 }, { format: 'tsv' })).resolves.toHaveLength(1)
  })

  test('names of columns, and columns as a command line gives them', async () => {
    expect(await readColumnNames(file('c.csv', '"a b",c\n'))).toEqual(['a b', 'c'])
    expect(await readColumnNames(file('c.jsonl', '{"x":1,"y":2}\n'))).toEqual(['x', 'y'])
    expect(['6', '0', 'label', '1st'].map(parseColumn)).toEqual([6, '0', 'label', '1st'])
  })
})

describeWith(realData('text'), 'published data sets', () => {
  const count = async (path: string, columns: Record<string, Column>, options?: TableOptions) => {
    const rows = await rowsOf(realData('text', path), columns, options)
    return { rows: rows.length, first: rows[0]?.cells }
  }

  test('SST-2 dev has 872 rows', async () => {
    expect(await count('sst2/dev.tsv', { text: 'sentence', label: 'label' })).toEqual({
      rows: 872,
      first: { text: "it 's a charming and often affecting journey . ", label: '1' },
    })
  })

  test('MRPC dev has 408 rows, its quotes are literal and its byte order mark is gone', async () => {
    const { rows, first } = await count('mrpc/dev.tsv', { label: 'Quality', b: '#2 String' })
    expect(rows).toBe(408)
    expect(first?.b).toMatch(/^" The foodservice pie business/)
  })

  test('STS-B test has 1379 rows, headerless and with extra cells in some', async () => {
    const columns = { a: 6, b: 7, score: 5 }
    expect(await count('stsb/original/sts-test.tsv', columns)).toEqual({
      rows: 1379,
      first: {
        a: 'A girl is styling her hair.',
        b: 'A girl is brushing her hair.',
        score: '2.500',
      },
    })
  })

  test('TREC is Latin-1: 500 and 5452 questions, refused as UTF-8', async () => {
    const columns = { text: 'text', label: 'label' }
    expect((await count('trec/TREC_10.label', columns)).rows).toBe(500)
    const train = 'trec/train_5500.label'
    expect((await count(train, columns, { encoding: 'latin1' })).rows).toBe(5452)
    await expect(count(train, columns)).rejects.toThrow(/\.label:\d+: the bytes .* not utf-8/)
  })
})
