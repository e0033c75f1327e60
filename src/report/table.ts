/**
 * A table as data, and as plain text: columns padded by display width, fitted to the terminal.
 *
 * A cell may carry a detail (an interval, a reason). Where the terminal is wide it stands beside the
 * value, where it is narrow below it; where that does not fit either, columns go, the least needed first.
 */
import { displayWidth, printable } from './plain-text.ts'

/** What a cell says beyond its words; terminals and pages colour it. */
export type Tone = 'good' | 'bad' | 'doubt' | 'strong' | 'weak'

export interface RichCell {
  readonly text: string
  readonly detail?: string | undefined
  readonly tone?: Tone | undefined
}

export type Cell = string | RichCell

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Columns with the highest number go first where there is no room; absent: never. */
  readonly drop?: number
}

export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface TextTableOptions {
  /** Columns of the terminal; unlimited by default. */
  readonly width?: number | undefined
  readonly color?: boolean | undefined
}

/** A table as lines of text, and the columns that had to go. */
export interface TextTable {
  readonly text: string
  readonly dropped: readonly string[]
}

export const richCell = (cell: Cell): RichCell => (typeof cell === 'string' ? { text: cell } : cell)

const gap = '  '

/** Lays a table out for a terminal. */
export function textTable(table: Table, options: TextTableOptions = {}): TextTable {
  const { width = Number.POSITIVE_INFINITY, color = false } = options
  let current = table
  const dropped: string[] = []
  for (;;) {
    for (const stacked of [false, true]) {
      const layout = layOut(current, stacked)
      const total = layout.widths.reduce((sum, one) => sum + one + gap.length, -gap.length)
      if (total <= width) return { text: draw(layout, color), dropped }
    }
    const next = leastNeeded(current.columns)
    if (next === undefined) return { text: draw(layOut(current, true), color), dropped }
    dropped.push(current.columns[next]!.title)
    current = without(current, next)
  }
}

function leastNeeded(columns: readonly Column[]): number | undefined {
  let found: number | undefined
  columns.forEach(({ drop = 0 }, index) => {
    if (drop > (found === undefined ? 0 : columns[found]!.drop!)) found = index
  })
  return found
}

const without = ({ columns, rows }: Table, index: number): Table => ({
  columns: columns.toSpliced(index, 1),
  rows: rows.map((row) => row.toSpliced(index, 1)),
})

interface Line {
  readonly texts: readonly string[]
  readonly tones: readonly (Tone | undefined)[]
}

interface Layout {
  readonly columns: readonly Column[]
  readonly lines: readonly Line[]
  readonly widths: readonly number[]
}

function layOut({ columns, rows }: Table, stacked: boolean): Layout {
  const lines: Line[] = [
    { texts: columns.map(({ title }) => title), tones: columns.map(() => 'weak') },
  ]
  for (const row of rows) {
    const cells = row.map(richCell)
    const tones = cells.map(({ tone }) => tone)
    if (!stacked) {
      const texts = cells.map(({ text, detail }) => (detail ? `${text} (${detail})` : text))
      lines.push({ texts: texts.map(printable), tones })
      continue
    }
    lines.push({ texts: cells.map(({ text }) => printable(text)), tones })
    if (cells.some(({ detail }) => detail)) {
      const texts = cells.map(({ detail }) => printable(detail ?? ''))
      lines.push({ texts, tones: cells.map(() => 'weak') })
    }
  }
  const widths = columns.map((_, i) =>
    Math.max(...lines.map(({ texts }) => displayWidth(texts[i]!))),
  )
  return { columns, lines, widths }
}

function draw({ columns, lines, widths }: Layout, color: boolean): string {
  const rule = { texts: widths.map((width) => '─'.repeat(width)), tones: widths.map(weak) }
  return lines
    .toSpliced(1, 0, rule)
    .map(({ texts, tones }) =>
      texts
        .map((text, i) => {
          const space = ' '.repeat(widths[i]! - displayWidth(text))
          const painted = color ? paint(text, tones[i]) : text
          return columns[i]!.align === 'right' ? space + painted : painted + space
        })
        .join(gap)
        .trimEnd(),
    )
    .join('\n')
}

const weak = (): Tone => 'weak'

const codes: Readonly<Record<Tone, number>> = { good: 32, bad: 31, doubt: 33, strong: 1, weak: 2 }

/** The text in the colour of its tone, by ANSI codes. */
export const paint = (text: string, tone: Tone | undefined): string =>
  tone === undefined || text === '' ? text : `\u001b[${codes[tone]}m${text}\u001b[0m`

/** A table as GitHub's Markdown; details stand in brackets. */
export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = columns.map(({ align }) => (align === 'right' ? '---:' : '---'))
  const body = rows.map((row) =>
    line(
      row.map(richCell).map(({ text, detail, tone }) => {
        const strong = tone === 'strong' && text ? `**${markdownText(text)}**` : markdownText(text)
        return detail ? `${strong} (${markdownText(detail)})` : strong
      }),
    ),
  )
  return [line(columns.map(({ title }) => markdownText(title))), line(rule), ...body].join('\n')
}

/** Text with everything escaped that Markdown or the HTML in it would act upon. */
export const markdownText = (text: string): string =>
  printable(text)
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
