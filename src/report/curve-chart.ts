/** A curve over steps, both axes even. */
import { niceScale, type Scale } from './nice-scale.ts'
import { isNarrow, type Margins, type Shape, tints } from './shapes.ts'
import { type Drawing, nameAbove, type Picture, pixels, type Tick, tickAxis } from './svg-chart.ts'

export interface Curve extends Pick<Drawing, 'id' | 'title'> {
  readonly points: readonly { readonly x: number; readonly y: number }[]
  readonly xAxis: string
  readonly yAxis: string
  /** Marks each point: there are few. */
  readonly dots?: boolean | undefined
}

/** The chart; undefined for fewer than two points. */
export function curveDrawing(curve: Curve): Drawing | undefined {
  const points = curve.points.filter(({ y }) => Number.isFinite(y))
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last || points.length < 2) return undefined
  return {
    id: curve.id,
    title: curve.title,
    description: `From ${first.y.toPrecision(3)} at step ${first.x} to ${last.y.toPrecision(3)} at step ${last.x}.`,
    height: (width) => (isNarrow({ width }) ? 220 : 260),
    draw: ({ width, height }) => picture({ ...curve, points }, width, height),
  }
}

function picture({ points, xAxis, yAxis, dots }: Curve, width: number, height: number): Picture {
  const grid: Margins = { left: 64, right: 24, top: 34, bottom: 52 }
  const scale = (values: readonly number[]) => niceScale(Math.min(...values), Math.max(...values))
  const [x, y] = [scale(points.map((p) => p.x)), scale(points.map((p) => p.y))]
  const px = pixels(x, grid.left, width - grid.right)
  const py = pixels(y, height - grid.bottom, grid.top)
  const path = points.map((point) => [px(point.x), py(point.y)] as const)
  const stroke = tints.chosen
  const marks: Shape[] = path.map(([cx, cy]) => ({
    type: 'circle',
    shape: { cx, cy, r: 4 },
    style: { fill: stroke, stroke: 'var(--card)', lineWidth: 1.5 },
  }))
  return {
    grid,
    xAxis: tickAxis(x, ticksOf(x), { name: xAxis, nameLocation: 'middle', nameGap: 32 }),
    yAxis: tickAxis(y, ticksOf(y), nameAbove(yAxis, grid)),
    shapes: [
      { type: 'polyline', shape: { points: path }, style: { fill: 'none', stroke, lineWidth: 2 } },
      ...(dots ? marks : []),
    ],
  }
}

function ticksOf({ min, max, step }: Scale): Tick[] {
  const count = Math.round((max - min) / step)
  return Array.from({ length: count + 1 }, (_, i) => {
    const at = Number((min + i * step).toPrecision(12))
    return { at, text: String(at) }
  })
}
