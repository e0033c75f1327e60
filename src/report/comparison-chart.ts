/**
 * Signal to noise along the depth of a model: a line for what the second model computes, a dot for what each tensor
 * adds by itself, a mark where the two part.
 */
import { layerOf } from '../ops/layer-of.ts'
import type { Comparison, TensorError } from './comparison.ts'
import { partingSentence } from './comparison-tables.ts'
import { niceScale } from './nice-scale.ts'
import { ticksOf } from './quality-chart.ts'
import {
  detailSize,
  font,
  halo,
  isNarrow,
  line,
  type Margins,
  type Shape,
  text,
  textWidth,
  tints,
} from './shapes.ts'
import { type Drawing, nameAbove, type Picture, pixels, type Tick, tickAxis } from './svg-chart.ts'

/** What has no noise, or less than float32 can show, stands here. */
const TOP = 150

/** Decibels on the chart. */
const height = ({ sqnr, nonFinite }: TensorError): number =>
  nonFinite > 0 ? 0 : Math.max(0, Math.min(TOP, sqnr ?? TOP))

/** The chart. */
export const comparisonDrawing = (comparison: Comparison): Drawing => ({
  id: 'depth',
  title: 'Signal to noise along the depth of the model',
  description: partingSentence(comparison),
  height: (width) => (isNarrow({ width }) ? 300 : 380),
  draw: (size) => picture(comparison, size.width, size.height),
})

function picture(comparison: Comparison, width: number, tall: number): Picture {
  const { tensors, first } = comparison
  const narrow = isNarrow({ width })
  const grid: Margins = { left: narrow ? 40 : 52, right: narrow ? 12 : 20, top: 34, bottom: 48 }
  // what adds nothing has no dot, and does not press the rest together
  const added = tensors.flatMap((tensor, i) =>
    tensor.added && tensor.added.relative > 0 ? [{ i, at: height(tensor.added) }] : [],
  )
  const shown = [...tensors.map(height), ...added.map(({ at }) => at)]
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  const y = niceScale(low < 60 ? 0 : Math.min(low, high - 10), high, 5)
  const x = { min: -1, max: tensors.length }
  const px = pixels(x, grid.left, width - grid.right)
  const py = pixels(y, tall - grid.bottom, grid.top)
  const points = tensors.map((tensor, i) => [px(i), py(height(tensor))] as const)
  return {
    grid,
    xAxis: tickAxis(x, layerTicks(comparison, px), {
      name: 'layer',
      nameLocation: 'middle',
      nameGap: 30,
    }),
    yAxis: tickAxis(y, ticksOf(y, String), nameAbove('dB', grid)),
    shapes: [
      {
        type: 'polyline',
        shape: { points },
        style: { fill: 'none', stroke: tints.other, lineWidth: 2 },
      },
      ...added.map(({ i, at }) => dot(px(i), py(at), narrow ? 2.5 : 3.5, tints.chosen)),
      ...(first === undefined
        ? []
        : partingShapes(comparison, first, { px, py, grid, width, tall })),
    ],
  }
}

const dot = (cx: number, cy: number, r: number, fill: string): Shape => ({
  type: 'circle',
  shape: { cx, cy, r },
  style: { fill, stroke: 'var(--card)', lineWidth: 1 },
})

interface Place {
  readonly px: (value: number) => number
  readonly py: (value: number) => number
  readonly grid: Margins
  readonly width: number
  readonly tall: number
}

/** A line at the first tensor that adds too much, and its name beside it. */
function partingShapes(
  { tensors }: Comparison,
  first: number,
  { px, py, grid, width, tall }: Place,
): Shape[] {
  const tensor = tensors[first]!
  const words = 'they part here'
  const x = px(first)
  const toLeft = x + textWidth(words, detailSize) + 12 > width - grid.right
  const style = { align: toLeft ? 'right' : 'left', fill: tints.rejected, ...font(detailSize, 650) }
  return [
    line(x, grid.top, x, tall - grid.bottom, {
      stroke: tints.rejected,
      lineWidth: 1.25,
      lineDash: [4, 4],
    }),
    dot(x, py(height(tensor.added ?? tensor)), 5, tints.rejected),
    text(words, toLeft ? x - 8 : x + 8, grid.top - 10, { ...style, ...halo }),
  ]
}

/** The number of each layer at its first tensor, as far as texts do not touch. */
function layerTicks({ tensors }: Comparison, px: (value: number) => number): Tick[] {
  const ticks: Tick[] = []
  const seen = new Set<string>()
  let edge = Number.NEGATIVE_INFINITY
  tensors.forEach(({ name }, at) => {
    const layer = layerOf(name)
    const number = /\d+$/.exec(layer)?.[0]
    if (number === undefined || seen.has(layer)) return
    seen.add(layer)
    const half = textWidth(number, 12) / 2
    if (px(at) - half < edge + 4) return
    edge = px(at) + half
    ticks.push({ at, text: number })
  })
  return ticks
}
