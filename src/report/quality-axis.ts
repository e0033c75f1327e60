/**
 * The one measure of quality a report speaks of: its metric where labels are there, else how often the
 * variant answers as its source does, else the cosine of their outputs.
 */
import type { Interval } from '../stats/interval.ts'
import type { Report, VariantReport } from './report.ts'
import { formatBareMetric, formatMetric, formatPercent, metricTitle } from './units.ts'

/** A measure, and how it is taken and written. */
export interface QualityAxis {
  readonly title: string
  /** The source's value is 1 where it is the reference. */
  valueOf(variant: VariantReport): number | undefined
  intervalOf(variant: VariantReport): Interval | undefined
  /** What its intervals are. */
  readonly bars: string
  /** With its unit. */
  format(value: number): string
  /** Without. */
  bare(value: number): string
  /** True for a measure of which the source is the reference. */
  readonly relative: boolean
  readonly better: 'higher' | 'lower'
}

/** The measure of a report; undefined where nothing was measured. */
export function qualityAxis(report: Report): QualityAxis | undefined {
  return metricAxis(report) ?? agreementAxis(report) ?? cosineAxis(report)
}

function metricAxis({ variants }: Report): QualityAxis | undefined {
  const first = variants.find(({ quality }) => quality)?.quality
  if (!first) return undefined
  const { name, better } = first
  return {
    title: metricTitle(name),
    valueOf: ({ quality }) => quality?.value,
    intervalOf: ({ quality }) => quality?.interval,
    bars: '95 % intervals',
    format: (value) => formatMetric(name, value),
    bare: (value) => formatBareMetric(name, value),
    relative: false,
    better,
  }
}

const isSource = (report: Report, variant: VariantReport): boolean =>
  report.variants[0]?.name === variant.name

function agreementAxis(report: Report): QualityAxis | undefined {
  if (!report.variants.some(({ fidelity }) => fidelity?.agreement)) return undefined
  return {
    title: 'same answer as the source',
    valueOf: (variant) => (isSource(report, variant) ? 1 : variant.fidelity?.agreement?.value),
    intervalOf: ({ fidelity }) => fidelity?.agreement?.interval,
    bars: '95 % intervals',
    format: formatPercent,
    bare: (value) => formatPercent(value).replace(' %', ''),
    relative: true,
    better: 'higher',
  }
}

function cosineAxis(report: Report): QualityAxis | undefined {
  if (!report.variants.some(({ fidelity }) => fidelity)) return undefined
  const format = (value: number): string => value.toFixed(5)
  return {
    title: 'mean cosine to the source (range)',
    valueOf: (variant) => (isSource(report, variant) ? 1 : variant.fidelity?.cosine.mean),
    // no interval: from the least to the largest row
    intervalOf: ({ fidelity }) => (fidelity ? { low: fidelity.cosine.min, high: 1 } : undefined),
    bars: '95 % intervals of latency, and cosines from the least to the largest',
    format,
    bare: format,
    relative: true,
    better: 'higher',
  }
}
