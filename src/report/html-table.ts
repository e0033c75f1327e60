/** Tables of a report as HTML: real headers for both directions, wide ones in a region that scrolls. */
import { Html, html } from './html-template.ts'
import { type Cell, type Column, richCell, type Table } from './table.ts'

export interface HtmlTableOptions {
  /** What the table shows, for readers of the screen. */
  readonly label: string
  /** Index of the column that names its row; default 0. */
  readonly header?: number
  /** Index of a row to mark. */
  readonly marked?: number
  /** On narrow screens each row becomes a card, instead of the table scrolling. */
  readonly cards?: boolean
}

/** A table as HTML. */
export function htmlTable({ columns, rows }: Table, options: HtmlTableOptions): Html {
  const { label, header = 0, marked, cards = false } = options
  // the roles stay where a narrow page shows rows as cards
  const head = columns.map(
    ({ title, align }) =>
      html`<th scope="col" role="columnheader"${side(align)}>${title || spoken('chosen')}</th>`,
  )
  const body = rows.map(
    (row, index) =>
      html`<tr role="row"${index === marked && raw(' class="chosen"')}>${row.map((cell, i) =>
        i === header ? rowHeader(cell) : dataCell(cell, columns[i]!),
      )}</tr>`,
  )
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table role="table"${cards && raw(' class="cards"')}><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">${body}</tbody></table></div>`
}

const raw = (markup: string): Html => new Html(markup)

const spoken = (text: string): Html => html`<span class="unseen">${text}</span>`

const side = (align: Column['align']): Html | undefined =>
  align === 'right' ? raw(' class="right"') : undefined

const rowHeader = (cell: Cell): Html => html`<th scope="row" role="rowheader">${content(cell)}</th>`

function dataCell(cell: Cell, { title, align }: Column): Html {
  const { text } = richCell(cell)
  const names = [
    align === 'right' && 'right',
    text === '' && 'empty',
    // lists wrap, paths break anywhere, figures never do
    text.length > 40 && text.includes(' ') && 'wrap',
    /^\S+\/\S+$/.test(text) && 'path',
  ].filter((name) => name !== false)
  const classes = names.length > 0 && html` class="${names.join(' ')}"`
  return html`<td role="cell"${classes} data-title="${title || 'chosen'}">${content(cell)}</td>`
}

function content(cell: Cell): Html {
  const { text, detail, tone } = richCell(cell)
  return html`<span${tone && html` class="${tone}"`}>${text}${detail && html`<span class="detail">${detail}</span>`}</span>`
}
