import { expect, test } from 'vitest'
import { markdownTable, type Table, textTable } from './table.ts'

const table: Table = {
  columns: [{ title: 'label' }, { title: 'share', align: 'right' }, { title: 'why', drop: 1 }],
  rows: [
    ['日本語', '1.0', 'wide'],
    ['e\u0301té', { text: '22.5', detail: '20 to 25' }, 'a combining mark'],
    ['👩‍👩‍👧 👍', { text: '3', tone: 'good' }, 'joined emoji'],
    ['evil\u001b[2J\nlabel', '', 'controls'],
  ],
}

test('columns line up by display width, and controls never reach the terminal', () => {
  expect(`\n${textTable(table).text}\n`).toMatchInlineSnapshot(`
    "
    label                     share  why
    ──────────────  ───────────────  ────────────────
    日本語                      1.0  wide
    été             22.5 (20 to 25)  a combining mark
    👩‍👩‍👧 👍                         3  joined emoji
    evil�[2J label                   controls
    "
  `)
})

test('narrow: details below, then the column that is least needed goes', () => {
  const { text, dropped } = textTable(table, { width: 24 })
  expect(`\n${text}\n`).toMatchInlineSnapshot(`
    "
    label              share
    ──────────────  ────────
    日本語               1.0
    été                 22.5
                    20 to 25
    👩‍👩‍👧 👍                  3
    evil�[2J label
    "
  `)
  expect(dropped).toEqual(['why'])
})

test('colour only where asked for', () => {
  expect(textTable(table).text).not.toContain('\u001b')
  expect(textTable(table, { color: true }).text).toContain('\u001b[32m3\u001b[0m')
})

test('Markdown escapes what would be markup', () => {
  const hostile: Table = {
    columns: [{ title: 'a|b' }, { title: 'n', align: 'right' }],
    rows: [['<img src=x onerror=alert(1)> **x** | y', { text: '1', detail: '0 to 2' }]],
  }
  expect(`\n${markdownTable(hostile)}\n`).toMatchInlineSnapshot(`
    "
    | a\\|b | n |
    | --- | ---: |
    | &lt;img src=x onerror=alert(1)&gt; \\*\\*x\\*\\* \\| y | 1 (0 to 2) |
    "
  `)
})
