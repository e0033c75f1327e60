/**
 * What the report's chart draws inside its axes, in pixels: marks, error bars, labels, the line of what
 * is allowed.
 */
import type { ChartData, ChartPoint, PointRole } from './chart-points.ts'
import { type Box, overlap, placeLabels } from './place-labels.ts'
import { printable } from './plain-text.ts'
import {
  type ChartSize,
  detailSize,
  errorBar,
  font,
  halo,
  isNarrow,
  line,
  type Margins,
  nameSize,
  type Shape,
  text,
  textWidth,
  tints,
} from './shapes.ts'
import { pixels } from './svg-chart.ts'
import { markShape } from './verdict-marks.ts'

const importance: readonly PointRole[] = ['chosen', 'source', 'other', 'rejected']

/** Everything inside the axes, as shapes in pixels. */
export function qualityShapes(data: ChartData, size: ChartSize, grid: Margins): Shape[] {
  const { width, height } = size
  const plot: Box = {
    left: grid.left,
    top: grid.top,
    width: width - grid.left - grid.right,
    height: height - grid.top - grid.bottom,
  }
  const px = pixels(data.x, plot.left, plot.left + plot.width)
  const py = pixels(data.y, plot.top + plot.height, plot.top)
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
  const front = frontLine(data, plot, px, py)
  const taken = [...front.covered, ...marks.flatMap(({ bars }) => bars), ...marks.map(circleBox)]
  const allowed = limitLine(data, plot, py, taken, narrow)
  const boxes = placeLabels(marks, plot, [...allowed.covered, ...front.covered])
  return [
    ...front.shapes,
    ...points.map((point, i) => bubble(point, marks[i]!)),
    ...points.flatMap((point) => errorBars(point, px, py)),
    ...marks.flatMap((mark, i) => leader(mark, boxes[i]!)),
    ...allowed.shapes,
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
  const color = tints[point.role]
  const style = {
    fill: point.role === 'rejected' ? 'none' : color,
    fillOpacity: point.role === 'chosen' ? 0.32 : 0.16,
    stroke: color,
    lineWidth: point.role === 'chosen' ? 2.5 : 1.5,
    ...(point.role === 'rejected' && { lineDash: [4, 3] }),
  }
  return markShape(point.mark, mark.x, mark.y, mark.radius, style)
}

interface Covering {
  readonly shapes: readonly Shape[]
  /** Where no label should stand. */
  readonly covered: readonly Box[]
}

/** Stairs through the front: what lies above and left of them was not reached. */
function frontLine({ front, better }: ChartData, plot: Box, px: Pixel, py: Pixel): Covering {
  const [first] = front
  if (!first || front.length < 2) return { shapes: [], covered: [] }
  const bad = better === 'higher' ? plot.top + plot.height : plot.top
  const points: (readonly [number, number])[] = [[px(first.x), bad]]
  front.forEach(({ x, y }, i) => {
    const next = front[i + 1]
    points.push([px(x), py(y)], [next ? px(next.x) : plot.left + plot.width, py(y)])
  })
  const style = { fill: 'none', stroke: 'var(--chosen)', lineWidth: 1.5, opacity: 0.55 }
  const covered = points.slice(1).map(([x, y], i): Box => {
    const [x0, y0] = points[i]!
    const [left, top] = [Math.min(x, x0) - 2, Math.min(y, y0) - 2]
    return { left, top, width: Math.abs(x - x0) + 4, height: Math.abs(y - y0) + 4 }
  })
  return { shapes: [{ type: 'polyline', shape: { points }, style }], covered }
}

const circleBox = ({ x, y, radius }: Circle): Box => ({
  left: x - radius,
  top: y - radius,
  width: 2 * radius,
  height: 2 * radius,
})

function errorBars(point: ChartPoint, px: Pixel, py: Pixel): Shape[] {
  const [x, y] = [px(point.x), py(point.y)]
  const style = { stroke: tints[point.role], lineWidth: 1.25 }
  const { xInterval, yInterval } = point
  return [
    ...errorBar('x', [px(xInterval.low), px(xInterval.high)], y, style),
    ...errorBar('y', [py(yInterval.high), py(yInterval.low)], x, style),
    { type: 'circle', shape: { cx: x, cy: y, r: 2.5 }, style: { fill: tints[point.role] } },
  ]
}

// name over detail; a narrow chart has room for names alone
const nameHeight = 17
const detailHeight = 17

const labelText = (point: ChartPoint): string =>
  point.role === 'chosen' ? `✔ ${printable(point.name)}` : printable(point.name)

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
  const written = (content: string, y: number, style: Shape): Shape =>
    text(content, at, y, { align, verticalAlign: 'top', ...halo, ...style })
  const bold = point.role === 'chosen'
  const name = written(labelText(point), box.top + 1, {
    fill: bold ? 'var(--chosen)' : 'var(--ink)',
    ...font(nameSize, bold ? 700 : 600),
  })
  if (narrow) return [name]
  const detail = { fill: 'var(--muted)', ...font(detailSize) }
  return [name, written(point.detail, box.top + nameHeight + 1, detail)]
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

/** The line of what is allowed, its words where they cover least. */
function limitLine(
  { limit }: ChartData,
  plot: Box,
  py: Pixel,
  taken: readonly Box[],
  narrow: boolean,
): Covering {
  if (limit === undefined) return { shapes: [], covered: [] }
  const [y, right] = [py(limit), plot.left + plot.width]
  const words = narrow ? 'allowed drop' : 'largest allowed drop'
  const size = { width: textWidth(words, detailSize), height: detailSize + 4 }
  const free = plot.width - size.width - 12
  const starts = Array.from({ length: 13 }, (_, i) => plot.left + 6 + (free * i) / 12)
  const places = [y + 4, y - 4 - size.height].flatMap((top) =>
    starts.map((left): Box => ({ left, top, ...size })),
  )
  const hidden = (box: Box): number =>
    taken.reduce((sum, other) => sum + overlap(box, other), 0) +
    // cut by the edge is worst
    (size.width * size.height - overlap(box, plot)) * 10
  const [box] = places.toSorted((a, b) => hidden(a) - hidden(b))
  const { left, top } = box!
  return {
    shapes: [
      line(plot.left, y, right, y, { stroke: 'var(--bad)', lineDash: [6, 5], lineWidth: 1.25 }),
      text(words, left, top, {
        verticalAlign: 'top',
        fill: 'var(--bad)',
        ...halo,
        ...font(detailSize),
      }),
    ],
    covered: [{ left: plot.left, top: y - 1, width: plot.width, height: 2 }, box!],
  }
}
