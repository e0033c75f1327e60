/** Two models compared, as one HTML file. */
import { byWidth, drawingWidths } from './chart-widths.ts'
import type { Comparison } from './comparison.ts'
import { comparisonDrawing } from './comparison-chart.ts'
import {
  answersSentence,
  basisSentence,
  outputsTable,
  partingSentence,
  tensorTable,
  unmatchedTable,
  worstTable,
} from './comparison-tables.ts'
import { htmlPage } from './html-page.ts'
import { htmlTable } from './html-table.ts'
import { type Html, html, keepUnits } from './html-template.ts'
import { svgCharts } from './svg-chart.ts'
import type { Table } from './table.ts'
import { formatSeconds } from './units.ts'

/** The page, complete. */
export async function comparisonHtml(comparison: Comparison, limbeck: string): Promise<string> {
  const { a, b, notes, first, seconds } = comparison
  const [charts] = await svgCharts([comparisonDrawing(comparison)], drawingWidths)
  const answers = answersSentence(comparison)
  const body = html`<header><div class="kicker">Limbeck comparison</div><h1>${b.model} against ${a.model}</h1><p class="muted">${keepUnits(basisSentence(comparison))} Compared in ${formatSeconds(seconds)}.</p></header>
<section class="${first === undefined ? 'verdict' : ''}"><p class="gain">${keepUnits(partingSentence(comparison))}</p>${answers && html`<p>${keepUnits(answers)}</p>`}</section>
<figure><h2>Signal to noise along the depth</h2><ul class="key"><li><i class="bar" style="background: var(--variant)"></i>as computed</li><li><i class="bar" style="background: var(--chosen)"></i>added there: all that flows in is the first model's</li></ul>${byWidth(charts!)}<figcaption>The higher, the nearer; 20 dB more are a tenth of the error. What adds nothing has no dot; at 150 dB stands what is equal.</figcaption></figure>
${section('Adds most', 'Tensors by the relative error that they add by themselves.', worstTable(comparison))}
${section('Outputs', undefined, outputsTable(comparison))}
${notes.length > 0 && html`<section><h2>What to know</h2><ul class="plain">${notes.map((note) => html`<li>${note}</li>`)}</ul></section>`}
${section('Every tensor', 'In the order of computation, with what each file calls it. Outside: share of values that differ by more than t·(1 + |a|).', tensorTable(comparison))}
${section('Without their like', 'Tensors of one model that the other has not.', unmatchedTable(comparison))}`
  return htmlPage(`${b.model} against ${a.model}: Limbeck comparison`, limbeck, body)
}

const section = (
  title: string,
  caption: string | undefined,
  table: Table | undefined,
): Html | undefined =>
  table &&
  html`<section><h2>${title}</h2>${caption && html`<p class="muted">${caption}</p>`}${htmlTable(table, { label: title })}</section>`
