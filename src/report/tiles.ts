/** The four figures at the top of the page: what the chosen variant gained and what it cost. */
import { chosenOf, headlineLatency, sourceOf } from './outcome.ts'
import { qualityAxis } from './quality-axis.ts'
import type { Report } from './report.ts'
import { formatBytes, formatInterval, formatMs, formatRatio } from './units.ts'

export interface Tile {
  readonly title: string
  readonly value: string
  readonly detail: string
}

/** The figures that were measured, in order of interest. */
export function outcomeTiles(report: Report): Tile[] {
  const [source, chosen] = [sourceOf(report), chosenOf(report)]
  const latency = headlineLatency(report, chosen)
  const before = headlineLatency(report, source)
  const [peak, peakBefore] = [chosen.peakMemoryBytes, source.peakMemoryBytes]
  const axis = qualityAxis(report)
  const [quality, qualityBefore] = [axis?.valueOf(chosen), axis?.valueOf(source)]
  const tiles: (Tile | undefined)[] = [
    latency && {
      title: latency.vsSource ? 'speed-up' : 'latency, p50',
      value: latency.vsSource ? formatRatio(latency.vsSource.speedup) : formatMs(latency.p50),
      detail: latency.vsSource
        ? `${formatMs(latency.p50)} instead of ${formatMs(before?.p50)}`
        : `${formatInterval(latency.p50Interval)} ms`,
    },
    {
      title: 'size',
      value: formatBytes(chosen.bytes),
      detail:
        chosen === source
          ? 'unchanged'
          : `instead of ${formatBytes(source.bytes)} (${formatRatio(source.bytes / chosen.bytes)})`,
    },
    peak === undefined
      ? undefined
      : {
          title: 'peak memory',
          value: formatBytes(peak),
          detail: chosen === source ? 'unchanged' : `instead of ${formatBytes(peakBefore)}`,
        },
    axis === undefined || quality === undefined
      ? undefined
      : {
          title: axis.title,
          value: axis.format(quality),
          detail: axis.relative
            ? 'the source is the reference'
            : qualityBefore === undefined
              ? ''
              : `source ${axis.format(qualityBefore)}`,
        },
  ]
  return tiles.filter((tile) => tile !== undefined)
}
