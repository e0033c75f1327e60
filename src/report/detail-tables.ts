/** The report's further tables: every metric, every latency, the nearness of outputs, what passes did. */
import { sourceOf } from './outcome.ts'
import type { MetricReport, Report, VariantReport } from './report.ts'
import type { Cell, Column, Table } from './table.ts'
import {
  formatBareMetric,
  formatCount,
  formatInterval,
  formatMetric,
  formatMs,
  formatNumber,
  formatPercent,
  formatRatio,
  metricTitle,
  unknown,
} from './units.ts'

const right = { align: 'right' } as const
const rightColumn = (title: string): Column => ({ title, ...right })

/** A metric's value and its interval. */
export const metricCell = (metric: MetricReport | undefined): Cell =>
  metric
    ? {
        text: formatMetric(metric.name, metric.value),
        detail: formatInterval(metric.interval, (end) => formatBareMetric(metric.name, end)),
      }
    : unknown

/** All metrics of all variants; undefined where there is but one. */
export function metricsTable({ variants }: Report): Table | undefined {
  const all = (variant: VariantReport) => [variant.quality, ...(variant.otherMetrics ?? [])]
  const names = [...new Set(variants.flatMap((v) => all(v).map((metric) => metric?.name)))]
  const known = names.filter((name) => name !== undefined)
  if (known.length < 2) return undefined
  return {
    columns: [{ title: 'variant' }, ...known.map((name) => rightColumn(metricTitle(name)))],
    rows: variants.map((variant) => [
      variant.name,
      ...known.map((name) => metricCell(all(variant).find((metric) => metric?.name === name))),
    ]),
  }
}

/** Medians of every variant at every shape and thread count, and how they compare with the source. */
export function latencyTable(report: Report): Table | undefined {
  const { latency } = sourceOf(report)
  if (latency.length === 0) return undefined
  return {
    columns: [
      { title: 'shape' },
      rightColumn('threads'),
      ...report.variants.map(({ name }) => rightColumn(name)),
    ],
    rows: latency.map(({ shape, threads, oversubscribed }) => [
      shape,
      oversubscribed
        ? { text: String(threads), detail: 'oversubscribed', tone: 'doubt' }
        : String(threads),
      ...report.variants.map((variant): Cell => {
        const row = variant.latency.find((r) => r.shape === shape && r.threads === threads)
        if (!row) return unknown
        const detail = row.vsSource && formatRatio(row.vsSource.speedup)
        return { text: formatMs(row.p50), detail }
      }),
    ]),
  }
}

/** How near each variant's outputs are to the source's, and whether the written file was verified. */
export function fidelityTable(report: Report): Table | undefined {
  const compared = report.variants.filter(({ fidelity, verification }) => fidelity ?? verification)
  if (compared.length === 0) return undefined
  return {
    columns: [
      { title: 'variant' },
      { title: 'verified' },
      rightColumn('largest difference'),
      rightColumn('mean cosine'),
      rightColumn('least cosine'),
      rightColumn('divergence, nats'),
      rightColumn('same answer'),
      rightColumn('rows'),
    ],
    rows: compared.map(({ name, fidelity, verification }) => [
      name,
      verifiedCell(verification),
      formatNumber(fidelity?.maxAbsError ?? verification?.maxAbsError),
      fidelity ? fidelity.cosine.mean.toFixed(6) : unknown,
      fidelity ? fidelity.cosine.min.toFixed(6) : unknown,
      formatNumber(fidelity?.divergence),
      fidelity?.agreement
        ? {
            text: formatPercent(fidelity.agreement.value),
            detail: formatInterval(fidelity.agreement.interval, (end) =>
              formatPercent(end).replace(' %', ''),
            ),
          }
        : unknown,
      fidelity ? formatCount(fidelity.n) : unknown,
    ]),
  }
}

function verifiedCell(verification: VariantReport['verification']): Cell {
  if (!verification) return unknown
  const { ok, tolerance, note } = verification
  const detail = note ?? (tolerance === undefined ? undefined : `within ${formatNumber(tolerance)}`)
  return { text: ok ? 'yes' : 'no', tone: ok ? 'good' : 'bad', detail }
}

/** What each pass did to one variant. */
export function passesTable({ passes }: VariantReport): Table | undefined {
  if (passes.length === 0) return undefined
  return {
    columns: [
      { title: 'pass' },
      rightColumn('time'),
      rightColumn('nodes before'),
      rightColumn('after'),
      { title: 'hits' },
    ],
    rows: passes.map(({ pass, ms, nodesBefore, nodesAfter, hits }) => [
      pass,
      formatMs(ms),
      formatCount(nodesBefore),
      formatCount(nodesAfter),
      Object.entries(hits)
        .map(([rule, count]) => `${rule} ${count}`)
        .join(', ') || unknown,
    ]),
  }
}
