/**
 * Lines over a growing number, both axes by powers: what doubles is as far apart everywhere, and a ratio of
 * two lines is the distance between them. Each point has its interval.
 */
import type { Interval } from '../stats/interval.ts'
import { printable } from './plain-text.ts'
import {
  detailSize,
  errorBar,
  font,
  halo,
  isNarrow,
  line,
  type Margins,
  type Shape,
  type Tint,
  text,
  textWidth,
  tints,
} from './shapes.ts'
import { type Drawing, nameAbove, type Picture, pixels, type Tick, tickAxis } from './svg-chart.ts'

export interface Line {
  readonly name: string
  readonly tint: Tint
  readonly points: readonly {
    readonly x: number
    readonly y: number
    readonly interval: Interval
  }[]
}

export interface LineChart extends Pick<Drawing, 'id' | 'title' | 'description'> {
  readonly lines: readonly Line[]
  readonly xAxis: string
  readonly yAxis: string
  /** Words between the first two lines, such as their ratio. */
  readonly between?: readonly { readonly x: number; readonly text: string }[] | undefined
}

/** The chart. */
export const lineDrawing = (chart: LineChart): Drawing => ({
  id: chart.id,
  title: chart.title,
  description: chart.description,
  height: (width) => (isNarrow({ width }) ? 300 : 360),
  draw: (size) => picture(chart, size.width, size.height),
})

const log = (value: number): number => Math.log10(value)

function picture(chart: LineChart, width: number, height: number): Picture {
  const narrow = isNarrow({ width })
  const { lines } = chart
  const names = Math.max(...lines.map(({ name }) => textWidth(printable(name), detailSize + 1)))
  const grid: Margins = {
    left: narrow ? 40 : 52,
    // names stand at the ends of their lines; a telephone has the key alone
    right: narrow ? 14 : names + 18,
    top: 34,
    bottom: 52,
  }
  const all = lines.flatMap(({ points }) => points)
  const xs = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b)
  const x = spread(log(xs[0]!), log(xs.at(-1)!), width - grid.left - grid.right)
  const ends = all.flatMap(({ y, interval: { low, high } }) => [y, low, high])
  const positive = ends.filter((end) => Number.isFinite(end) && end > 0)
  const yTicks = powerTicks(Math.min(...positive), Math.max(...positive))
  const y = { min: yTicks[0]!.at, max: yTicks.at(-1)!.at }
  const px = pixels(x, grid.left, width - grid.right)
  const py = pixels(y, height - grid.bottom, grid.top)
  const at = { x: (value: number) => px(log(value)), y: (value: number) => py(log(value)) }
  return {
    grid,
    xAxis: tickAxis(x, apart(xs, px), { name: chart.xAxis, nameLocation: 'middle', nameGap: 32 }),
    yAxis: tickAxis(y, yTicks, nameAbove(chart.yAxis, grid)),
    shapes: [
      ...betweenShapes(chart, at),
      ...lines.flatMap((one) => lineShapes(one, at)),
      ...(narrow ? [] : nameShapes(lines, at)),
    ],
  }
}

interface Place {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

/** Pixels on both sides of the points: half of a word between the lines. */
const AIR = 26

function spread(low: number, high: number, width: number): { min: number; max: number } {
  const air = ((high - low || 1) * AIR) / Math.max(AIR, width - 2 * AIR)
  return { min: low - air, max: high + air }
}

/** 1, 2 and 5 times powers of ten that hold the values; powers alone where there would be many. */
export function powerTicks(low: number, high: number): Tick[] {
  const digits = high / low > 2000 ? [1] : [1, 2, 5]
  const values: number[] = []
  for (let power = Math.floor(log(low)) - 1; power <= Math.ceil(log(high)); power++) {
    for (const digit of digits) values.push(Number((digit * 10 ** power).toPrecision(6)))
  }
  const first = values.findLastIndex((value) => value <= low)
  const last = values.findIndex((value) => value >= high)
  const held = values.slice(Math.max(0, first), Math.max(first + 1, last) + 1)
  return held.map((value) => ({ at: log(value), text: String(value) }))
}

/** Ticks whose texts do not touch: from the largest down, whose distance matters most. */
function apart(values: readonly number[], px: (value: number) => number): Tick[] {
  const kept: Tick[] = []
  let edge = Number.POSITIVE_INFINITY
  for (const value of values.toReversed()) {
    const half = textWidth(String(value), 12) / 2
    const centre = px(log(value))
    if (centre + half + 4 > edge) continue
    edge = centre - half
    kept.push({ at: log(value), text: String(value) })
  }
  return kept.reverse()
}

function lineShapes({ tint, points }: Line, at: Place): Shape[] {
  const color = tints[tint]
  const path = points.map(({ x, y }) => [at.x(x), at.y(y)])
  return [
    {
      type: 'polyline',
      shape: { points: path },
      style: { fill: 'none', stroke: color, lineWidth: tint === 'chosen' ? 2.5 : 2 },
    },
    ...points.flatMap(({ x, y, interval: { low, high } }) => {
      const [top, bottom] = [at.y(high), at.y(low)]
      const known = Number.isFinite(top) && Number.isFinite(bottom) && bottom - top > 10
      return [
        ...(known
          ? errorBar('y', [top, bottom], at.x(x), { stroke: color, lineWidth: 1.25 }, 4)
          : []),
        {
          type: 'circle',
          shape: { cx: at.x(x), cy: at.y(y), r: 4 },
          style: { fill: color, stroke: 'var(--card)', lineWidth: 1.5 },
        },
      ]
    }),
  ]
}

/** Names at the ends of the lines, moved apart where lines meet. */
function nameShapes(lines: readonly Line[], at: Place): Shape[] {
  const height = 17
  const ends = lines
    .flatMap(({ name, tint, points }) => {
      const last = points.at(-1)
      return last ? [{ name, tint, x: at.x(last.x), y: at.y(last.y) }] : []
    })
    .sort((a, b) => a.y - b.y)
  let bottom = Number.NEGATIVE_INFINITY
  return ends.map(({ name, tint, x, y }) => {
    const placed = Math.max(y, bottom + height)
    bottom = placed
    return text(printable(name), x + 12, placed, {
      fill: tints[tint],
      ...font(detailSize + 1, 650),
    })
  })
}

const LEAST_GAP = 34

/** Words that would touch those before them are left out; the table has them all. */
function betweenShapes({ lines: [upper, lower], between = [] }: LineChart, at: Place): Shape[] {
  const shapes: Shape[] = []
  let last = { right: Number.NEGATIVE_INFINITY, y: 0 }
  for (const { x, text: words } of between) {
    const [a, b] = [upper, lower].map((one) => one?.points.find((point) => point.x === x)?.y)
    if (a === undefined || b === undefined) continue
    const [top, bottom] = [at.y(a), at.y(b)]
    if (Math.abs(bottom - top) < LEAST_GAP) continue
    const [middle, half] = [(top + bottom) / 2, textWidth(words, detailSize) / 2]
    const touches = at.x(x) - half < last.right + 4 && Math.abs(middle - last.y) < detailSize + 4
    if (touches) continue
    last = { right: at.x(x) + half, y: middle }
    const style = { align: 'center', fill: 'var(--muted)', ...font(detailSize, 600) }
    shapes.push(
      line(at.x(x), top, at.x(x), bottom, { stroke: 'var(--line)', lineWidth: 1 }),
      text(words, at.x(x), middle, { ...style, ...halo, lineWidth: 5 }),
    )
  }
  return shapes
}
