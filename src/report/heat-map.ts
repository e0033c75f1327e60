/**
 * A heat map as an HTML table: real headers, a value in every cell, more of it on hover; the stronger the colour, the
 * more of it. One colour mixed with the card's, so that it reads in light and dark.
 */
import { Html, html } from './html-template.ts'

export interface HeatCell {
  readonly text: string
  /** Shown on hover: what the cell is, and all its figures. */
  readonly detail: string
  /** 0 to 1. */
  readonly heat: number
}

export interface HeatMap {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly {
    readonly name: string
    readonly cells: readonly (HeatCell | undefined)[]
  }[]
}

/** More would hide the text. */
const MOST_COLOUR = 62

/** Several maps of one scale. */
export const heatMaps = (maps: readonly HeatMap[]): Html => html`${maps.map(heatMap)}`

function heatMap({ title, columns, rows }: HeatMap): Html {
  const head = columns.map((column) => html`<th scope="col">${column}</th>`)
  const body = rows.map(
    ({ name, cells }) => html`<tr><th scope="row">${name}</th>${cells.map(cellOf)}</tr>`,
  )
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${title}"><table class="heat"><caption>${title}</caption><thead><tr><th scope="col"></th>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

function cellOf(cell: HeatCell | undefined): Html {
  if (!cell) return html`<td></td>`
  const share = Math.round(Math.min(1, Math.max(0, cell.heat)) * MOST_COLOUR)
  const colour = new Html(`background: color-mix(in srgb, var(--bad) ${share}%, var(--card))`)
  return html`<td style="${colour}" title="${cell.detail}">${cell.text}</td>`
}

/** Heats of values between the least and the most, evenly in their logarithm; 0 has none. */
export function logHeats(values: readonly number[]): (value: number) => number {
  const logs = values.filter((value) => value > 0).map(Math.log10)
  const most = Math.max(...logs)
  // beyond four decades all is cold alike
  const least = Math.max(Math.min(...logs), most - 4)
  return (value) =>
    value > 0 ? (most > least ? (Math.log10(value) - least) / (most - least) : 1) : 0
}
