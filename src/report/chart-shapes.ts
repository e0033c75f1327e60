/**
 * What the report's chart draws inside its axes, in pixels: marks, error bars, labels, the line of what
 * is allowed.
 */
import type { ChartData, ChartPoint, PointRole } from './chart-points.ts'
import { type Box, placeLabels } from './place-labels.ts'
import { displayWidth, printable } from './plain-text.ts'

export interface ChartSize {
  readonly width: number
  readonly height: number
}

/** A picture for a telephone: smaller marks, and labels without their second line. */
export const isNarrow = ({ width }: ChartSize): boolean => width < 500

const colors: Readonly<Record<PointRole, string>> = {
  source: 'var(--source)',
  chosen: 'var(--chosen)',
  rejected: 'var(--bad)',
  other: 'var(--variant)',
}

const importance: readonly PointRole[] = ['chosen', 'source', 'other', 'rejected']

/** A shape as ECharts' custom series takes it. */
export type Shape = Readonly<Record<string, unknown>>
/** Between the picture's edges and the axes. */
export type Margins = Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>

/** Everything inside the axes, as shapes in pixels. */
export function chartShapes(data: ChartData, size: ChartSize, grid: Margins): Shape[] {
  const { width, height } = size
  const plot: Box = {
    left: grid.left,
    top: grid.top,
    width: width - grid.left - grid.right,
    height: height - grid.top - grid.bottom,
  }
  const { x, y } = data
  const px = (ms: number): number => plot.left + ((ms - x.min) / (x.max - x.min)) * plot.width
  const py = (value: number): number =>
    plot.top + (1 - (value - y.min) / (y.max - y.min)) * plot.height
  const largest = Math.max(...data.points.map(({ bytes }) => bytes))
  const narrow = isNarrow(size)
  const most = narrow ? 18 : 28
  const points = data.points.toSorted(
    (a, b) => importance.indexOf(a.role) - importance.indexOf(b.role),
  )
  const marks = points.map((point) => ({
    ...labelSize(point, narrow),
    x: px(point.x),
    y: py(point.y),
    // area, not radius, is the size
    radius: Math.max(5, most * Math.sqrt(point.bytes / largest)),
    bars: barsOf(point, px, py),
  }))
  const allowed = limitLine(data, plot, py)
  const boxes = placeLabels(marks, plot, allowed.covered)
  return [
    ...allowed.shapes,
    ...points.map((point, i) => bubble(point, marks[i]!)),
    ...points.flatMap((point) => errorBars(point, px, py)),
    ...marks.flatMap((mark, i) => leader(mark, boxes[i]!)),
    ...points.flatMap((point, i) => label(point, marks[i]!, boxes[i]!, narrow)),
  ]
}

type Pixel = (value: number) => number

const barsOf = ({ x, y, xInterval, yInterval }: ChartPoint, px: Pixel, py: Pixel): Box[] => [
  {
    left: px(xInterval.low),
    top: py(y) - 3,
    width: px(xInterval.high) - px(xInterval.low),
    height: 6,
  },
  {
    left: px(x) - 3,
    top: py(yInterval.high),
    width: 6,
    height: py(yInterval.low) - py(yInterval.high),
  },
]

function bubble(point: ChartPoint, mark: Circle): Shape {
  const color = colors[point.role]
  const style = {
    fill: point.role === 'rejected' ? 'none' : color,
    fillOpacity: point.role === 'chosen' ? 0.32 : 0.16,
    stroke: color,
    lineWidth: point.role === 'chosen' ? 2.5 : 1.5,
    ...(point.role === 'rejected' && { lineDash: [4, 3] }),
  }
  return { type: 'circle', shape: { cx: mark.x, cy: mark.y, r: mark.radius }, style }
}

function errorBars(point: ChartPoint, px: Pixel, py: Pixel): Shape[] {
  const [x, y] = [px(point.x), py(point.y)]
  const [left, right] = [px(point.xInterval.low), px(point.xInterval.high)]
  const [top, bottom] = [py(point.yInterval.high), py(point.yInterval.low)]
  const cap = 4
  const color = colors[point.role]
  const lines = [
    [left, y, right, y],
    [left, y - cap, left, y + cap],
    [right, y - cap, right, y + cap],
    [x, top, x, bottom],
    [x - cap, top, x + cap, top],
    [x - cap, bottom, x + cap, bottom],
  ] as const
  return [
    ...lines.map(([x1, y1, x2, y2]) => line(x1, y1, x2, y2, { stroke: color, lineWidth: 1.25 })),
    { type: 'circle', shape: { cx: x, cy: y, r: 2.5 }, style: { fill: color } },
  ]
}

const line = (x1: number, y1: number, x2: number, y2: number, style: Shape): Shape => ({
  type: 'line',
  shape: { x1, y1, x2, y2 },
  style: { fill: 'none', ...style },
})

// name over detail; a narrow chart has room for names alone
const nameSize = 14
const detailSize = 12
const nameHeight = 17
const detailHeight = 17

// the font of the page
const font = (fontSize: number, fontWeight = 400): Shape => ({
  fontSize,
  fontWeight,
  fontFamily: 'inherit',
})

const labelText = (point: ChartPoint): string =>
  point.role === 'chosen' ? `✔ ${printable(point.name)}` : printable(point.name)

/** Text cannot be measured here: 0.6 of its size a column is wide enough for common fonts. */
const textWidth = (text: string, size: number): number => displayWidth(text) * size * 0.6

function labelSize(point: ChartPoint, narrow: boolean): { width: number; height: number } {
  const name = textWidth(labelText(point), nameSize)
  if (narrow) return { width: name, height: nameHeight }
  return {
    width: Math.max(name, textWidth(point.detail, detailSize)),
    height: nameHeight + detailHeight,
  }
}

interface Circle {
  readonly x: number
  readonly y: number
  readonly radius: number
}

function label(point: ChartPoint, mark: Circle, box: Box, narrow: boolean): Shape[] {
  const centre = box.left + box.width / 2
  const [align, at] =
    Math.abs(centre - mark.x) < 4
      ? ['center', centre]
      : centre > mark.x
        ? ['left', box.left]
        : ['right', box.left + box.width]
  const text = (content: string, y: number, style: Shape): Shape => ({
    type: 'text',
    style: { text: content, x: at, y, align, verticalAlign: 'top', ...style },
  })
  const bold = point.role === 'chosen'
  const name = text(labelText(point), box.top + 1, {
    fill: bold ? 'var(--chosen)' : 'var(--ink)',
    ...font(nameSize, bold ? 700 : 600),
  })
  if (narrow) return [name]
  const detail = { fill: 'var(--muted)', ...font(detailSize) }
  return [name, text(point.detail, box.top + nameHeight + 1, detail)]
}

/** A thin line from a mark to a label that stands away from it. */
function leader(mark: Circle, box: Box): Shape[] {
  const x = Math.min(Math.max(mark.x, box.left), box.left + box.width)
  const y = Math.min(Math.max(mark.y, box.top), box.top + box.height)
  const distance = Math.hypot(x - mark.x, y - mark.y)
  if (distance < mark.radius + 14) return []
  const share = mark.radius / distance
  const [x1, y1] = [mark.x + (x - mark.x) * share, mark.y + (y - mark.y) * share]
  return [line(x1, y1, x, y, { stroke: 'var(--muted)', lineWidth: 1 })]
}

/** The line of what is allowed, and what it covers. */
function limitLine(
  { limit }: ChartData,
  plot: Box,
  py: Pixel,
): { shapes: Shape[]; covered: Box[] } {
  if (limit === undefined) return { shapes: [], covered: [] }
  const [y, right] = [py(limit), plot.left + plot.width]
  const words = 'largest allowed drop'
  const width = textWidth(words, detailSize)
  const style = { fill: 'var(--bad)', ...font(detailSize) }
  return {
    shapes: [
      line(plot.left, y, right, y, { stroke: 'var(--bad)', lineDash: [6, 5], lineWidth: 1.25 }),
      {
        type: 'text',
        style: { text: words, x: plot.left + 6, y: y + 4, verticalAlign: 'top', ...style },
      },
    ],
    covered: [
      { left: plot.left, top: y - 1, width: plot.width, height: 2 },
      { left: plot.left + 6, top: y + 4, width, height: detailSize + 4 },
    ],
  }
}
