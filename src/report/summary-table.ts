/** The one table that `optimize` prints: a row a variant, at the headline shape and thread count. */
import {
  chosenOf,
  headlineLatency,
  headlineText,
  sourceOf,
  verdictOf,
  verdictTones,
} from './outcome.ts'
import { type QualityAxis, qualityAxis } from './quality-axis.ts'
import type { Report, VariantReport } from './report.ts'
import type { Cell, Column, Table } from './table.ts'
import { formatBytes, formatDrop, formatInterval, formatMs, formatRatio, unknown } from './units.ts'

interface Fact {
  readonly column: Column
  readonly cell: (variant: VariantReport) => Cell
}

/** The variants of a report, side by side. */
export function summaryTable(report: Report): Table {
  const facts = [...costs(report), ...worth(report)]
  return {
    columns: facts.map(({ column }) => column),
    rows: report.variants.map((variant) => facts.map(({ cell }) => cell(variant))),
  }
}

/** What the figures of the table are taken at. */
export const summaryCaption = (report: Report): string =>
  `Latency at ${headlineText(report)}; p50, p95 and speed-up interleaved with ${sourceOf(report).name}; intervals 95 %.`

function costs(report: Report): Fact[] {
  const latency = (variant: VariantReport) => headlineLatency(report, variant)
  const chosen = chosenOf(report)
  const right = { align: 'right' } as const
  return [
    {
      column: { title: '' },
      cell: (variant) => (variant === chosen ? { text: '✔', tone: 'good' } : ''),
    },
    {
      column: { title: 'variant' },
      cell: (variant) =>
        variant === chosen ? { text: variant.name, tone: 'strong' } : variant.name,
    },
    { column: { title: 'file', drop: 4 }, cell: ({ file }) => file ?? unknown },
    { column: { title: 'size', ...right }, cell: ({ bytes }) => formatBytes(bytes) },
    { column: { title: 'p50', ...right }, cell: (v) => formatMs(latency(v)?.p50) },
    { column: { title: 'p95', ...right, drop: 2 }, cell: (v) => formatMs(latency(v)?.p95) },
    {
      column: { title: 'speed-up', ...right },
      cell: (variant) => {
        if (variant === sourceOf(report)) return { text: '1×', tone: 'weak' }
        const row = latency(variant)
        if (!row?.vsSource) return unknown
        const { speedup, interval } = row.vsSource
        return {
          text: `${formatRatio(speedup)}${row.oversubscribed ? ' !' : ''}`,
          detail: formatInterval(interval),
        }
      },
    },
    {
      column: { title: 'peak memory', ...right, drop: 3 },
      cell: ({ peakMemoryBytes }) => formatBytes(peakMemoryBytes),
    },
  ]
}

function worth(report: Report): Fact[] {
  const axis = qualityAxis(report)
  if (!axis) return []
  const quality: Fact = {
    column: { title: axis.title, align: 'right' },
    cell: (variant) => qualityCell(report, axis, variant),
  }
  if (!report.variants.some(({ acceptance }) => acceptance)) return [quality]
  return [quality, { column: { title: 'drop', align: 'right' }, cell: dropCell }]
}

function qualityCell(report: Report, axis: QualityAxis, variant: VariantReport): Cell {
  if (axis.relative && variant === sourceOf(report)) return { text: 'reference', tone: 'weak' }
  const value = axis.valueOf(variant)
  if (value === undefined) return unknown
  const interval = axis.intervalOf(variant)
  return {
    text: axis.format(value),
    ...(interval && { detail: formatInterval(interval, axis.bare) }),
  }
}

function dropCell(variant: VariantReport): Cell {
  const { acceptance, quality } = variant
  if (!acceptance || !quality) return unknown
  const verdict = verdictOf(variant)!
  return {
    text: formatDrop(quality.name, acceptance.drop),
    detail: verdict,
    tone: verdictTones[verdict],
  }
}
