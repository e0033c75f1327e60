/**
 * The report as one HTML file: the chart drawn in, nothing loaded (`html-page.ts`).
 */
import { chartData } from './chart-points.ts'
import { byWidth, drawingWidths } from './chart-widths.ts'
import { type DetailSection, detailSections } from './detail-sections.ts'
import { fidelityTable, latencyTable, metricsTable, passesTable } from './detail-tables.ts'
import { factGroups } from './facts.ts'
import { heatMaps } from './heat-map.ts'
import { htmlPage } from './html-page.ts'
import { htmlTable } from './html-table.ts'
import { type Html, html, keepUnits } from './html-template.ts'
import { KERNELS_CAPTION, kernelsTable } from './kernel-report.ts'
import { chosenOf, gainSentence, verdictSentence, verdictTones } from './outcome.ts'
import { qualityAxis } from './quality-axis.ts'
import { qualityDrawing } from './quality-chart.ts'
import type { Report, VariantReport } from './report.ts'
import { simulationNotes } from './simulation.ts'
import { summaryCaption, summaryTable } from './summary-table.ts'
import { svgCharts } from './svg-chart.ts'
import type { Table } from './table.ts'
import { outcomeTiles } from './tiles.ts'
import { formatBytes, formatCount, formatParameters, formatSeconds } from './units.ts'
import { markPath } from './verdict-marks.ts'

/** The page, complete. */
export async function reportHtml(report: Report): Promise<string> {
  const quality = qualityDrawing(report)
  const known = [...simulationNotes(report), ...report.notes]
  const details = detailSections(report)
  const drawings = [quality, ...details.map(({ drawing }) => drawing)].filter(
    (drawing) => drawing !== undefined,
  )
  const pictures = await svgCharts(drawings, drawingWidths)
  const charts = new Map(drawings.map(({ id }, i) => [id, pictures[i]!]))
  const body = html`${header(report)}
${verdict(report)}
${tiles(report)}
${quality && figure(report, charts.get(quality.id)!)}
<section><h2>Variants</h2><p class="muted">${keepUnits(summaryCaption(report))}</p>${summary(report)}</section>
${known.length > 0 && html`<section><h2>What to know</h2>${list(known)}</section>`}
${details.map((one) => detailSectionHtml(one, charts))}
${section('Metrics', 'Each with its 95 % interval.', metricsTable(report))}
${section('Latency', 'Medians at every shape (texts x tokens); below them the speed-up over the source.', latencyTable(report))}
${section('Fidelity to the source', 'How near the outputs of each written file, loaded and run, are to those of its source.', fidelityTable(report))}
${section('Kernels', KERNELS_CAPTION, kernelsTable(report))}
${passes(report)}
<section><h2>How it was made</h2><div class="facts">${factGroups(report).map(
    ({ title, facts }) =>
      html`<div><h3 class="kicker">${title}</h3><dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></div>`,
  )}</div></section>
${files(report)}
${report.command && html`<section><h2>Reproduce</h2><pre>${report.command}${report.details?.command && `\n${report.details.command}`}</pre></section>`}`
  return htmlPage(`${report.title}: Limbeck report`, report.machine.limbeck, body)
}

function header({ title, model, createdAt, stages, details }: Report): Html {
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0)
  const day = createdAt.slice(0, 16).replace('T', ' ')
  return html`<header><div class="kicker">Limbeck report</div><h1>${title}</h1><p class="muted">${model.family}, ${model.task}, ${formatParameters(model.parameters)} parameters. <time datetime="${createdAt}">${day} UTC</time>${seconds > 0 && `, made in ${formatSeconds(seconds)}`}${details && `; threads, lengths, operators, bytes and costs measured in ${formatSeconds(details.seconds)}`}.</p></header>`
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
const roles = {
  chosen: ['chosen', 'chosen'],
  source: ['source', 'source'],
  other: ['variant', 'other variant'],
  rejected: ['bad', ''],
} as const

/** Each kind of mark that the chart has, as it has it. */
function markKey(report: Report): Html {
  const { points = [], front = [] } = chartData(report) ?? {}
  const kinds = new Map(points.map(({ role, mark }) => [`${role}/${mark}`, { role, mark }]))
  const items = Object.keys(roles).flatMap((name) =>
    [...kinds.values()]
      .filter(({ role }) => role === name)
      .map(({ role, mark }) => {
        const [color, word] = roles[role]
        const words = [word, mark === 'unjudged' ? '' : mark].filter(Boolean).join(', ')
        return html`<li><svg width="16" height="16" aria-hidden="true" style="color: var(--${color})"><path d="${markPath(mark)}"/></svg>${words}</li>`
      }),
  )
  return html`<ul class="key">${items}${front.length > 1 && html`<li><i class="front"></i>Pareto front</li>`}</ul>`
}

function figure(report: Report, charts: readonly Html[]): Html {
  const front = chartData(report)?.front.map(({ name }) => name) ?? []
  return html`<figure><h2>Latency against quality</h2>${markKey(report)}${byWidth(charts)}<figcaption>The further left, the faster; the area of a mark is the size of its file, its shape the verdict; bars are ${qualityAxis(report)?.bars}.${front.length > 1 && ` On the Pareto front, where nothing measured is both faster and better: ${front.join(', ')}.`}</figcaption></figure>`
}

/** A picture and its figures. */
export function detailSectionHtml(
  { title, captions, table, drawing, key, heat }: DetailSection,
  charts: ReadonlyMap<string, readonly Html[]>,
): Html {
  const drawn = drawing && charts.get(drawing.id)
  return html`<section><h2>${title}</h2>${captions.map((caption) => html`<p class="muted">${keepUnits(caption)}</p>`)}${
    key &&
    html`<ul class="key">${key.map(
      ({ name, tint }) =>
        html`<li><i class="bar" style="background: var(--${roles[tint][0]})"></i>${name}</li>`,
    )}</ul>`
  }${drawn && html`<div class="chart">${byWidth(drawn)}</div>`}${heat && heatMaps(heat)}${htmlTable(table, { label: title })}</section>`
}

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
