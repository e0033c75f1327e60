/**
 * Lying bars, in groups under a title, one or more bars a row, each with its figure at its end and its
 * interval where it has one. Rows name themselves, beside their bars or above them where there is no room.
 */
import type { Interval } from '../stats/interval.ts'
import { niceScale } from './nice-scale.ts'
import { clipText, printable } from './plain-text.ts'
import { ticksOf } from './quality-chart.ts'
import {
  detailSize,
  errorBar,
  font,
  halo,
  isNarrow,
  type Margins,
  type Shape,
  type Tint,
  text,
  textWidth,
  tints,
} from './shapes.ts'
import { type Drawing, type Picture, pixels, tickAxis } from './svg-chart.ts'

export interface Bar {
  readonly tint: Tint
  readonly value: number
  readonly interval?: Interval | undefined
  /** Its figure, with the unit. */
  readonly text: string
  /** Not a figure to quote. */
  readonly doubtful?: boolean | undefined
}

export interface BarRow {
  readonly label: string
  readonly bars: readonly Bar[]
}

export interface BarGroup {
  readonly title?: string | undefined
  readonly rows: readonly BarRow[]
}

export interface BarChart extends Pick<Drawing, 'id' | 'title' | 'description'> {
  readonly groups: readonly BarGroup[]
  /** What the bars measure, with its unit. */
  readonly axis: string
  /** Of the axis's numbers. */
  readonly format: (value: number) => string
}

const BAR = 13
const BAR_GAP = 2
const ROW_GAP = 9
const TITLE = 28
const LABEL_LINE = 17
const TOP = 4
/** Where texts and bars begin that have nothing beside them. */
const START = 5
const BOTTOM = 50
/** Labels beside the bars take at most this share of the width. */
const LABEL_SHARE = 0.34
/** Half of the axis's last number. */
const RIGHT = 18

/** The chart. */
export function barDrawing(chart: BarChart): Drawing {
  const { id, title, description } = chart
  return {
    id,
    title,
    description,
    height: (width) => layOut(chart, width).height,
    draw: ({ width }) => picture(chart, layOut(chart, width), width),
  }
}

interface Placed {
  readonly label?: {
    readonly text: string
    readonly x: number
    readonly y: number
    title?: boolean
  }
  readonly bars: readonly { readonly bar: Bar; readonly y: number }[]
}

interface Layout {
  readonly height: number
  readonly left: number
  readonly placed: readonly Placed[]
}

/** Where everything stands from top to bottom. */
function layOut({ groups }: BarChart, width: number): Layout {
  const rows = groups.flatMap((group) => group.rows)
  const widest = Math.max(...rows.map(({ label }) => textWidth(label, detailSize)))
  const above = isNarrow({ width }) || widest > width * LABEL_SHARE
  const left = above ? START : widest + 14
  const placed: Placed[] = []
  let y = TOP
  groups.forEach(({ title, rows: own }, g) => {
    if (title !== undefined) {
      y += g > 0 ? 8 : 0
      placed.push({ label: { text: title, x: START, y: y + TITLE / 2 - 2, title: true }, bars: [] })
      y += TITLE
    }
    for (const { label, bars } of own) {
      const shown = clipText(printable(label), Math.floor((width - 8) / (detailSize * 0.6)))
      if (above) y += LABEL_LINE
      const block = bars.length * (BAR + BAR_GAP) - BAR_GAP
      placed.push({
        label: above
          ? { text: shown, x: START, y: y - LABEL_LINE / 2 }
          : { text: shown, x: left - 10, y: y + block / 2 },
        bars: bars.map((bar, i) => ({ bar, y: y + i * (BAR + BAR_GAP) })),
      })
      y += block + ROW_GAP
    }
  })
  return { height: y + BOTTOM, left, placed }
}

function picture(chart: BarChart, { height, left, placed }: Layout, width: number): Picture {
  const bars = chart.groups.flatMap(({ rows }) => rows.flatMap((row) => row.bars))
  const narrow = isNarrow({ width })
  const figures = Math.max(...bars.map((bar) => textWidth(bar.text, detailSize))) + 12
  const most = Math.max(...bars.map(endOf), Number.MIN_VALUE)
  // the longest bar leaves room for its figure; the axis ends there, not at a round number
  const space = width - left - RIGHT
  const max = (most * space) / Math.max(80, space - figures)
  const scale = { min: 0, max, step: niceScale(0, max, narrow ? 4 : 6).step }
  const grid: Margins = { left, right: RIGHT, top: TOP, bottom: BOTTOM - 4 }
  const px = pixels(scale, left, width - RIGHT)
  return {
    grid,
    xAxis: tickAxis(scale, ticksOf(scale, chart.format), {
      name: chart.axis,
      nameLocation: 'middle',
      nameGap: 30,
    }),
    yAxis: { type: 'value', min: 0, max: height, show: false },
    shapes: placed.flatMap((row) => [
      ...(row.label ? [labelShape(row.label)] : []),
      ...row.bars.flatMap(({ bar, y }) => barShapes(bar, y, px)),
    ]),
  }
}

const endOf = ({ value, interval }: Bar): number =>
  interval && Number.isFinite(interval.high) ? Math.max(value, interval.high) : value

function labelShape({ text: content, x, y, title }: NonNullable<Placed['label']>): Shape {
  const style = title
    ? { fill: 'var(--ink)', ...font(13, 650) }
    : { fill: 'var(--ink)', ...font(detailSize) }
  return text(content, x, y, { align: x > START ? 'right' : 'left', ...halo, ...style })
}

function barShapes(
  { tint, value, interval, text: figure, doubtful }: Bar,
  y: number,
  px: (v: number) => number,
): Shape[] {
  const [start, end] = [px(0), px(value)]
  const color = tints[tint]
  const ends: readonly [number, number] | undefined =
    interval && Number.isFinite(interval.low) && Number.isFinite(interval.high)
      ? [px(interval.low), px(interval.high)]
      : undefined
  const wide = ends !== undefined && ends[1] - ends[0] > 3
  const after = Math.max(end, wide ? ends[1] : end)
  return [
    {
      type: 'rect',
      shape: { x: start, y, width: Math.max(1, end - start), height: BAR, r: [0, 3, 3, 0] },
      style: doubtful
        ? { fill: color, fillOpacity: 0.14, stroke: color, lineWidth: 1, lineDash: [3, 3] }
        : { fill: color, fillOpacity: tint === 'chosen' ? 1 : 0.75 },
    },
    ...(wide
      ? errorBar('x', ends, y + BAR / 2, { stroke: 'var(--ink)', lineWidth: 1.25 }, 3.5)
      : []),
    text(figure, after + 7, y + BAR / 2, {
      fill: tint === 'chosen' ? 'var(--ink)' : 'var(--muted)',
      ...halo,
      ...font(detailSize, tint === 'chosen' ? 650 : 400),
    }),
  ]
}
