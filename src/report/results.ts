/**
 * The table that papers print of a smaller model: what it was made from, and what came of it, side by side by
 * parameters, size, work of an inference, cost of training, latency by threads, and the task's metric.
 */
import { metricCell } from './detail-tables.ts'
import type { LatencyReport } from './latency-report.ts'
import { headlineText, verdictOf, verdictTones } from './outcome.ts'
import type { MetricReport, Report } from './report.ts'
import type { Cell, Column, Table } from './table.ts'
import {
  formatBytes,
  formatFlops,
  formatHours,
  formatInterval,
  formatMs,
  formatParameters,
  formatRatio,
  metricTitle,
  unknown,
} from './units.ts'

export interface ResultsReport {
  /** What the first row is to the others. */
  readonly role: 'source' | 'teacher'
  /** Its model, by name. */
  readonly from: string
  /** Of one inference, such as `1x128`: texts x tokens. */
  readonly shape: string
  /** What the model was made from comes first; then each file of the folder. */
  readonly rows: readonly ResultRow[]
  /** Why rows have no metric, a clause each. */
  readonly unjudged: readonly string[]
}

/** One model; what was not measured is absent. */
export interface ResultRow {
  /** `source`, `teacher`, or the variant's name. */
  readonly name: string
  /** Tied ones once. */
  readonly parameters: number
  /** Without the tables that tokens, positions and types are looked up in. */
  readonly parametersWithoutEmbeddings: number
  /** Model and external data together. */
  readonly bytes: number
  /** Of one inference at the shape; a multiply-add is two. */
  readonly flops: number
  /** What this run took to make it: operations of all steps, padding included, and their seconds. */
  readonly training?: { readonly flops: number; readonly seconds: number } | undefined
  /** At the shape, by threads; `vsSource` is the speed-up over the first row. */
  readonly latency: readonly LatencyReport[]
  readonly quality?: MetricReport | undefined
}

interface Fact {
  readonly column: Column
  readonly cell: (row: ResultRow) => Cell
}

const right = { align: 'right' } as const

/** The table; undefined where nothing was made from anything. */
export function resultsTable(report: Report): Table | undefined {
  const { results } = report
  if (!results) return undefined
  const facts = [
    ...sizes(report, results),
    ...latencies(results),
    speedUp(report),
    quality(report, results),
  ]
  return {
    columns: facts.map(({ column }) => column),
    rows: results.rows.map((row) => facts.map(({ cell }) => cell(row))),
  }
}

function sizes({ chosen }: Report, { rows: [first], rows }: ResultsReport): Fact[] {
  const facts: Fact[] = [
    {
      column: { title: '' },
      cell: ({ name }) => (name === chosen ? { text: '✔', tone: 'good' } : ''),
    },
    {
      column: { title: 'model' },
      cell: (row) =>
        row === first
          ? { text: row.name, detail: 'fp32 as exported' }
          : row.name === chosen
            ? { text: row.name, tone: 'strong' }
            : row.name,
    },
    {
      column: { title: 'params', ...right, drop: 1 },
      cell: (row) => ({
        text: formatParameters(row.parameters),
        detail: formatParameters(row.parametersWithoutEmbeddings),
      }),
    },
    { column: { title: 'size', ...right }, cell: ({ bytes }) => formatBytes(bytes) },
    {
      column: { title: 'FLOPs', ...right, drop: 2 },
      cell: ({ flops }) => formatFlops(flops).replace('FLOP', ''),
    },
  ]
  if (!rows.some(({ training }) => training)) return facts
  const training: Fact = {
    column: { title: 'training', ...right, drop: 3 },
    cell: (row) =>
      row.training
        ? { text: formatFlops(row.training.flops), detail: formatHours(row.training.seconds) }
        : unknown,
  }
  return [...facts, training]
}

const latencies = ({ rows: [first] }: ResultsReport): Fact[] =>
  (first?.latency ?? []).map(({ threads, oversubscribed }) => ({
    column: {
      title: `${threads} thread${threads === 1 ? '' : 's'}${oversubscribed ? ' !' : ''}`,
      ...right,
    },
    cell: ({ latency }) => formatMs(latency.find((one) => one.threads === threads)?.p50),
  }))

const speedUp = ({ headline, results }: Report): Fact => ({
  column: { title: 'speed-up', ...right },
  cell: (row) => {
    const found = row.latency.find(({ threads }) => threads === headline.threads)
    if (!found) return unknown
    if (row === results!.rows[0]) return { text: '1×', tone: 'weak' }
    if (!found.vsSource) return unknown
    const { speedup, interval } = found.vsSource
    return { text: formatRatio(speedup), detail: formatInterval(interval) }
  },
})

function quality({ variants }: Report, { rows }: ResultsReport): Fact {
  const metric = rows.find((row) => row.quality)?.quality
  return {
    column: { title: metric ? metricTitle(metric.name) : 'accuracy', ...right },
    cell: (row) => {
      const cell = metricCell(row.quality)
      const variant = variants.find(({ name }) => name === row.name)
      const verdict = variant && verdictOf(variant)
      return typeof cell === 'string' || verdict !== 'rejected'
        ? cell
        : { ...cell, tone: verdictTones.rejected }
    },
  }
}

/** What the figures are, and why some are not there; a sentence each. */
export function resultsCaptions(report: Report): string[] {
  const { results } = report
  if (!results) return []
  const { role, from, shape, rows, unjudged } = results
  const { latency } = rows[0]!
  const trained = rows.some(({ training }) => training)
  return [
    `The ${role} is ${from}. Parameters: all, and without embeddings; FLOPs: of ${shape}, a multiply-add is two${trained ? '; training: this run' : ''}.`,
    latency.length === 0
      ? 'Latency was not measured, as --seconds 0 says.'
      : `Latency: medians at ${shape}, all files taking turns; speed-up: over the ${role} at ${headlineText(report)}; intervals 95 %.`,
    ...(latency.some(({ oversubscribed }) => oversubscribed)
      ? [
          `! more threads than the ${report.machine.allottedCores} core${report.machine.allottedCores === 1 ? '' : 's'} of this machine that may be used: measured, but not to be quoted.`,
        ]
      : []),
    ...unjudged.map((why) => `–: ${why}.`),
  ]
}
