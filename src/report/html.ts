/**
 * The report as one HTML file: no script, nothing loaded, the chart drawn in. A content policy in the
 * page forbids both, whatever a label might hold.
 */
import { reportCharts } from './chart.ts'
import { chartData } from './chart-points.ts'
import { fidelityTable, latencyTable, metricsTable, passesTable } from './detail-tables.ts'
import { factGroups } from './facts.ts'
import { htmlTable } from './html-table.ts'
import { Html, html, keepUnits } from './html-template.ts'
import { chosenOf, gainSentence, verdictSentence, verdictTones } from './outcome.ts'
import { pageStyle } from './page-style.ts'
import { qualityAxis } from './quality-axis.ts'
import type { Report, VariantReport } from './report.ts'
import { summaryCaption, summaryTable } from './summary-table.ts'
import type { Table } from './table.ts'
import { outcomeTiles } from './tiles.ts'
import { formatBytes, formatCount, formatParameters, formatSeconds } from './units.ts'

const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** One drawing for each width of page; the style shows the one that fits. */
const chartSizes = [
  { name: 'wide', size: { width: 1030, height: 440 } },
  { name: 'medium', size: { width: 690, height: 400 } },
  { name: 'narrow', size: { width: 330, height: 360 } },
] as const

/** The page, complete. */
export async function reportHtml(report: Report): Promise<string> {
  const charts = await reportCharts(
    report,
    chartSizes.map(({ size }) => size),
  )
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${report.title}: Limbeck report</title>
<style>${new Html(pageStyle)}</style>
</head>
<body>
<main>
${header(report)}
${verdict(report)}
${tiles(report)}
${charts.length > 0 && figure(report, charts)}
<section><h2>Variants</h2><p class="muted">${summaryCaption(report)}</p>${summary(report)}</section>
${report.notes.length > 0 && html`<section><h2>What to know</h2>${list(report.notes)}</section>`}
${section('Metrics', 'Each with its 95 % interval.', metricsTable(report))}
${section('Latency', 'Medians at every shape (texts x tokens); below them the speed-up over the source.', latencyTable(report))}
${section('Fidelity to the source', 'How near the outputs of each written file, loaded and run, are to those of its source.', fidelityTable(report))}
${passes(report)}
<section><h2>How it was made</h2><div class="facts">${factGroups(report).map(
    ({ title, facts }) =>
      html`<div><h3 class="kicker">${title}</h3><dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></div>`,
  )}</div></section>
${files(report)}
${report.command && html`<section><h2>Reproduce</h2><pre>${report.command}</pre></section>`}
<footer>Limbeck ${report.machine.limbeck}. This page loads nothing and runs no script.</footer>
</main>
</body>
</html>
`
  return page.markup
}

function header({ title, model, createdAt, stages }: Report): Html {
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0)
  const day = createdAt.slice(0, 16).replace('T', ' ')
  return html`<header><div class="kicker">Limbeck report</div><h1>${title}</h1><p class="muted">${model.family}, ${model.task}, ${formatParameters(model.parameters)} parameters. <time datetime="${createdAt}">${day} UTC</time>${seconds > 0 && `, made in ${formatSeconds(seconds)}`}.</p></header>`
}

function verdict(report: Report): Html {
  const chosen = chosenOf(report)
  const { acceptance } = chosen
  const sentence = verdictSentence(report, chosen)
  return html`<section class="verdict"><div><span class="pill good">✔ ${chosen.name}</span>${
    acceptance &&
    html` <span class="pill ${verdictTones[acceptance.verdict]}">${acceptance.verdict}</span>`
  }</div><p class="gain">${keepUnits(gainSentence(report))}</p><p>${report.chosenWhy}</p>${
    sentence && html`<p class="muted">Verdict ${keepUnits(sentence)}.</p>`
  }</section>`
}

const tiles = (report: Report): Html =>
  html`<ul class="tiles">${outcomeTiles(report).map(
    ({ value, title, detail }) =>
      html`<li><span>${title}</span><b>${value}</b><span>${keepUnits(detail)}</span></li>`,
  )}</ul>`

// colours of the page by role
const keys = [
  ['chosen', 'chosen', 'chosen'],
  ['source', 'source', 'source'],
  ['other', 'variant', 'other variant'],
  ['rejected', 'bad', 'rejected'],
] as const

const keysOf = (report: Report) => {
  const roles = new Set(chartData(report)?.points.map(({ role }) => role))
  return keys.filter(([role]) => roles.has(role))
}

const figure = (report: Report, charts: readonly Html[]): Html =>
  html`<figure><h2>Latency against quality</h2><ul class="key">${keysOf(report).map(
    ([, color, text]) => html`<li><i style="border-color: var(--${color})"></i>${text}</li>`,
  )}</ul>${charts.map((chart, i) => html`<div class="${chartSizes[i]!.name}">${chart}</div>`)}<figcaption>The further left, the faster; the area of a mark is the size of its file; bars are ${qualityAxis(report)?.bars}.</figcaption></figure>`

const summary = (report: Report): Html =>
  htmlTable(summaryTable(report), {
    label: 'Variants side by side',
    header: 1,
    marked: report.variants.indexOf(chosenOf(report)),
    cards: true,
  })

const section = (title: string, caption: string, table: Table | undefined): Html | undefined =>
  table &&
  html`<section><h2>${title}</h2><p class="muted">${caption}</p>${htmlTable(table, { label: title })}</section>`

const list = (lines: readonly string[]): Html =>
  html`<ul class="plain">${lines.map((line) => html`<li>${line}</li>`)}</ul>`

function passes({ variants }: Report): Html | undefined {
  const changed = variants.filter((variant) => variant.passes.length > 0)
  if (changed.length === 0) return undefined
  return html`<section><h2>Passes</h2>${changed.map(
    (variant) =>
      html`<details><summary>${passesSummary(variant)}</summary>${htmlTable(passesTable(variant)!, { label: `Passes of ${variant.name}` })}</details>`,
  )}</section>`
}

function passesSummary({ name, passes: records }: VariantReport): Html {
  const [before, after] = [records[0]!.nodesBefore, records.at(-1)!.nodesAfter]
  return html`${name} <span class="muted">${formatCount(before)} to ${formatCount(after)} nodes in ${records.length} passes</span>`
}

const files = ({ files: written }: Report): Html =>
  html`<section><h2>Files</h2><ul class="plain">${written.map(
    ({ role, path, bytes }) =>
      html`<li><code>${path}</code> <span class="muted">${role}${bytes !== undefined && `, ${formatBytes(bytes)}`}</span></li>`,
  )}</ul></section>`
