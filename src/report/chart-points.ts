/** What the report's chart shows of each variant, and the scales that hold it; no drawing here. */
import type { Interval } from '../stats/interval.ts'
import { niceScale, type Scale } from './nice-scale.ts'
import { chosenOf, headlineLatency, sourceOf, verdictOf } from './outcome.ts'
import { paretoFront } from './pareto-front.ts'
import { qualityAxis } from './quality-axis.ts'
import type { Report, VariantReport } from './report.ts'
import type { Tint } from './shapes.ts'
import { formatBytes, formatRatio } from './units.ts'
import type { MarkKind } from './verdict-marks.ts'

/** How a mark is drawn: by what the variant is. */
export type PointRole = Tint

export interface ChartPoint {
  readonly role: PointRole
  /** Its verdict. */
  readonly mark: MarkKind
  readonly name: string
  /** Second line of its label. */
  readonly detail: string
  /** Milliseconds. */
  readonly x: number
  readonly xInterval: Interval
  readonly y: number
  readonly yInterval: Interval
  readonly bytes: number
}

export interface ChartData {
  readonly points: readonly ChartPoint[]
  /** Those that nothing else beats in both, from the quickest on. */
  readonly front: readonly ChartPoint[]
  readonly better: 'higher' | 'lower'
  readonly x: Scale
  readonly y: Scale
  readonly yTitle: string
  readonly formatY: (value: number) => string
  /** The worst value that is still allowed. */
  readonly limit: number | undefined
}

/** The chart's data; undefined where latency or quality was not measured. */
export function chartData(report: Report): ChartData | undefined {
  const axis = qualityAxis(report)
  if (!axis) return undefined
  const points = report.variants.flatMap((variant): ChartPoint[] => {
    const latency = headlineLatency(report, variant)
    const y = axis.valueOf(variant)
    if (!latency || y === undefined || !Number.isFinite(y)) return []
    const ratio = latency.vsSource ? `, ${formatRatio(latency.vsSource.speedup)}` : ''
    return [
      {
        role: roleOf(report, variant),
        mark: verdictOf(variant) ?? 'unjudged',
        name: variant.name,
        detail: `${formatBytes(variant.bytes)}${ratio}`,
        x: latency.p50,
        xInterval: finite(latency.p50Interval, latency.p50),
        y,
        yInterval: finite(axis.intervalOf(variant), y),
        bytes: variant.bytes,
      },
    ]
  })
  if (points.length === 0) return undefined
  const limit = allowedLimit(report)
  const lows = points.map(({ yInterval }) => yInterval.low)
  const highs = points.map(({ yInterval }) => yInterval.high)
  const [low, high] = [Math.min(...lows, limit ?? Infinity), Math.max(...highs, limit ?? -Infinity)]
  const margin = (high - low || Math.abs(high) * 0.02 || 1) * 0.12
  return {
    points,
    front: paretoFront(points, axis.better),
    better: axis.better,
    x: niceScale(0, Math.max(...points.map(({ xInterval }) => xInterval.high)) * 1.08, 6),
    y: niceScale(low - margin, high + margin, 5),
    yTitle: axis.title,
    formatY: axis.format,
    limit,
  }
}

function roleOf(report: Report, variant: VariantReport): PointRole {
  if (variant === chosenOf(report)) return 'chosen'
  if (variant === sourceOf(report)) return 'source'
  return verdictOf(variant) === 'rejected' ? 'rejected' : 'other'
}

/** The value itself stands in for an end that is not known. */
const finite = (interval: Interval | undefined, value: number): Interval => ({
  low: Number.isFinite(interval?.low) ? interval!.low : value,
  high: Number.isFinite(interval?.high) ? interval!.high : value,
})

function allowedLimit(report: Report): number | undefined {
  const judged = report.variants.find(({ acceptance }) => acceptance)
  const source = sourceOf(report).quality
  if (!judged?.acceptance || !source) return undefined
  const { allowed } = judged.acceptance
  return source.better === 'higher' ? source.value - allowed : source.value + allowed
}
