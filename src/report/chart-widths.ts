/** One drawing of a chart for each width of page; the style shows the one that fits. */
import { type Html, html } from './html-template.ts'

const chartWidths = [
  ['wide', 1030],
  ['medium', 690],
  ['narrow', 330],
] as const

/** Pixels of the drawings. */
export const drawingWidths: readonly number[] = chartWidths.map(([, width]) => width)

/** The drawings, of which the page shows one. */
export const byWidth = (charts: readonly Html[]): Html[] =>
  charts.map((chart, i) => html`<div class="${chartWidths[i]![0]}">${chart}</div>`)
