/**
 * The report's first picture: latency against quality, the mark's area the size of the file, bars for both
 * intervals, and the Pareto front.
 */
import { chartData } from './chart-points.ts'
import { gainSentence, headlineText } from './outcome.ts'
import { qualityShapes } from './quality-shapes.ts'
import type { Report } from './report.ts'
import { isNarrow, type Margins } from './shapes.ts'
import { type Drawing, type Tick, tickAxis } from './svg-chart.ts'

/** The chart; none where latency or quality was not measured. */
export function qualityDrawing(report: Report): Drawing | undefined {
  const data = chartData(report)
  if (!data) return undefined
  const { x, y, formatY } = data
  const points = data.points.map(
    (point) => `${point.name}: ${point.x.toFixed(2)} ms, ${formatY(point.y)}`,
  )
  const front = data.front.map(({ name }) => name).join(', ')
  return {
    id: 'chart',
    title: `Latency against ${data.yTitle} of ${data.points.length} variants`,
    description: `${gainSentence(report)} ${points.join('; ')}. On the Pareto front: ${front}.`,
    height: (width) => (width > 900 ? 440 : isNarrow({ width }) ? 360 : 400),
    draw(size) {
      const narrow = isNarrow(size)
      const grid: Margins = { left: narrow ? 52 : 64, right: narrow ? 12 : 24, top: 36, bottom: 52 }
      const every = narrow && (x.max - x.min) / x.step > 5 ? 2 : 1
      const latency = narrow ? 'p50 latency, ms' : `p50 latency in ms at ${headlineText(report)}`
      return {
        grid,
        xAxis: tickAxis(x, ticksOf({ ...x, step: x.step * every }, String), {
          name: latency,
          nameLocation: 'middle',
          nameGap: 32,
        }),
        yAxis: tickAxis(y, ticksOf(y, formatY), {
          name: data.yTitle,
          nameLocation: 'end',
          nameTextStyle: {
            color: 'var(--muted)',
            fontSize: 12,
            align: 'left',
            padding: [0, 0, 0, -grid.left + 14],
          },
        }),
        shapes: qualityShapes(data, size, grid),
      }
    },
  }
}

/** Every step of a scale. */
export function ticksOf(
  { min, max, step }: { readonly min: number; readonly max: number; readonly step: number },
  format: (value: number) => string,
): Tick[] {
  const count = Math.floor((max - min) / step + 1e-6)
  return Array.from({ length: count + 1 }, (_, i) => {
    const at = Number((min + i * step).toPrecision(12))
    return { at, text: format(at) }
  })
}
