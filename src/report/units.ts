/**
 * Numbers as people read them: three significant digits, the unit beside them.
 *
 * MB are 10^6 bytes. What is not known (absent, NaN, an infinite end that JSON turned into null) is
 * written as a dash or an infinity, never as a number.
 */
import type { MetricName } from '../data/metrics.ts'
import type { Interval } from '../stats/interval.ts'

/** Where a value is not known. */
export const unknown = '–'

/** Three significant digits without an exponent: 0.00123, 1.23, 12.3, 123, 1,234. */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value === Number.POSITIVE_INFINITY) return '∞'
  if (typeof value !== 'number' || !Number.isFinite(value)) return unknown
  if (value === 0) return '0'
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))))
  if (exponent < -3) return value.toExponential(1)
  return groupThousands(value.toFixed(Math.max(0, digits - 1 - exponent)))
}

/** 12345 as 12,345. */
export const formatCount = (value: number): string => groupThousands(value.toFixed(0))

const groupThousands = (digits: string): string => {
  const [whole = '', fraction] = digits.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

const byteUnits = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
] as const

/** 3.81 MB, 90.4 MB, 812 bytes. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return unknown
  // 999.9 KB reads as 1.00 MB
  const [unit, size] = byteUnits.find(([, scale]) => bytes >= scale * 0.9995) ?? ['bytes', 1]
  return size === 1 ? `${bytes} ${unit}` : `${formatNumber(bytes / size)} ${unit}`
}

/** 0.812 ms, 56.5 ms, 1.24 s. */
export const formatMs = (ms: number | undefined): string =>
  ms === undefined || !Number.isFinite(ms)
    ? unknown
    : ms >= 999.5
      ? formatSeconds(ms / 1000)
      : `${formatNumber(ms)} ms`

/** 0.41 s, 12.3 s, 2 min 05 s. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

/** 5.26 h; below a tenth of an hour as `formatSeconds` has it. */
export const formatHours = (seconds: number): string =>
  seconds < 360 ? formatSeconds(seconds) : `${formatNumber(seconds / 3600)} h`

const flopUnits = [
  ['PFLOP', 1e15],
  ['TFLOP', 1e12],
  ['GFLOP', 1e9],
] as const

/** Operations: 2.75 GFLOP, 81.4 TFLOP, 1.20 PFLOP. */
export function formatFlops(flops: number): string {
  // 999.9 GFLOP reads as 1.00 TFLOP
  const [unit, size] = flopUnits.find(([, scale]) => flops >= scale * 0.9995) ?? ['MFLOP', 1e6]
  return `${formatNumber(flops / size)} ${unit}`
}

/** 22,713,216 as 22.7 M. */
export function formatParameters(count: number): string {
  const [unit, size] = count >= 999.5e6 ? ['B', 1e9] : count >= 999.5e3 ? ['M', 1e6] : ['K', 1e3]
  return `${formatNumber(count / (size as number))} ${unit}`
}

/** 2.41×. */
export const formatRatio = (ratio: number | undefined): string => {
  const digits = formatNumber(ratio)
  return digits === unknown ? unknown : `${digits}×`
}

/** An interval in the unit of `format`; the ends keep their order. */
export function formatInterval(
  interval: Interval | undefined,
  format: (value: number) => string = formatNumber,
): string {
  if (!interval) return unknown
  const { low, high } = interval as { low: number | null; high: number | null }
  return `${low === null ? '-∞' : format(low)} to ${high === null ? '∞' : format(high)}`
}

/** How a metric is written: a share in percent (its drops in points), or the bare number. */
interface MetricStyle {
  readonly title: string
  readonly share: boolean
}

const metricStyles: Readonly<Record<MetricName, MetricStyle>> = {
  accuracy: { title: 'accuracy', share: true },
  'macro-f1': { title: 'macro F1', share: true },
  f1: { title: 'F1', share: true },
  matthews: { title: 'Matthews', share: false },
  'exact-match': { title: 'exact match', share: true },
  'micro-f1': { title: 'micro F1', share: true },
  pearson: { title: 'Pearson', share: false },
  spearman: { title: 'Spearman', share: false },
  mse: { title: 'squared error', share: false },
  'word-f1': { title: 'F1', share: true },
  'exact-answer': { title: 'exact match', share: true },
  'entity-f1': { title: 'entity F1', share: true },
  'entity-precision': { title: 'entity precision', share: true },
  'entity-recall': { title: 'entity recall', share: true },
  'token-accuracy': { title: 'token accuracy', share: true },
  'ndcg@10': { title: 'nDCG@10', share: false },
  'mrr@10': { title: 'MRR@10', share: false },
  map: { title: 'MAP', share: false },
  'recall@10': { title: 'recall@10', share: true },
  'recall@100': { title: 'recall@100', share: true },
}

/** A metric's name for people. */
export const metricTitle = (name: MetricName): string => metricStyles[name].title

/** 94.3 % or 0.8203. */
export const formatMetric = (name: MetricName, value: number): string =>
  metricStyles[name].share ? formatPercent(value) : formatFour(value)

/** The same without its unit, for the inside of an interval. */
export const formatBareMetric = (name: MetricName, value: number): string =>
  metricStyles[name].share ? formatHundredths(value) : formatFour(value)

/** A difference of metrics: 0.31 pt (points of a hundred) or 0.0012. */
export const formatDrop = (name: MetricName, drop: number | null): string =>
  drop === null || !Number.isFinite(drop)
    ? unknown
    : metricStyles[name].share
      ? `${(drop * 100 || 0).toFixed(2)} pt`
      : formatFour(drop)

/** 0.9427 as 94.3 %. */
export const formatPercent = (share: number): string => {
  const digits = formatHundredths(share)
  return digits === unknown ? unknown : `${digits} %`
}

// a share that is not whole must not read as 100
const formatHundredths = (share: number): string =>
  !Number.isFinite(share)
    ? unknown
    : share < 1 && share >= 0.9995
      ? (share * 100).toFixed(2)
      : (share * 100).toFixed(1)

export const formatFour = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(4) : unknown
