import { expect, test } from 'vitest'
import { type BarChart, barDrawing } from './bar-chart.ts'
import { type LineChart, lineDrawing, powerTicks } from './line-chart.ts'
import { overlap } from './place-labels.ts'
import type { Shape } from './shapes.ts'
import { textWidth } from './shapes.ts'
import type { Drawing } from './svg-chart.ts'
import { markPath, markShape } from './verdict-marks.ts'

const widths = [330, 690, 1030]
const named = { id: 'x', title: 'x', description: 'x' }

interface Text {
  readonly text: string
  readonly x: number
  readonly y: number
  readonly align?: string
  readonly fontSize: number
}

const shapesOf = (drawing: Drawing, width: number): readonly Shape[] =>
  drawing.draw({ width, height: drawing.height(width) }).shapes

/** The room that each text of a picture takes. */
const boxesOf = (drawing: Drawing, width: number) =>
  shapesOf(drawing, width)
    .filter(({ type }) => type === 'text')
    .map(({ style }) => {
      const { text, x, y, align = 'left', fontSize } = style as unknown as Text
      const wide = textWidth(text, fontSize)
      const left = x - (align === 'left' ? 0 : align === 'center' ? wide / 2 : wide)
      return { text, box: { left, top: y - fontSize / 2, width: wide, height: fontSize } }
    })

function expectApart(drawing: Drawing, width: number): void {
  const boxes = boxesOf(drawing, width)
  const page = { left: 0, top: 0, width, height: drawing.height(width) }
  boxes.forEach(({ text, box }, i) => {
    expect(overlap(box, page), `${text} inside ${width}`).toBeCloseTo(box.width * box.height, 6)
    for (const other of boxes.slice(i + 1)) {
      expect(overlap(box, other.box), `${text} over ${other.text} at ${width}`).toBe(0)
    }
  })
}

const bar = (value: number, high = value) => ({
  tint: 'other' as const,
  value,
  interval: { low: value * 0.9, high },
  text: `${value} ms`,
})

test.each(widths)('bars: labels and figures stand apart, inside %d pixels', (width) => {
  const rows = [
    { label: 'fp32 as exported', bars: [bar(101, 312), bar(4)] },
    { label: 'a name that is so long that no column beside bars would hold it', bars: [bar(90)] },
    { label: 'zero', bars: [bar(0)] },
  ]
  const chart: BarChart = {
    ...named,
    axis: 'ms',
    format: String,
    groups: [
      { title: '1 thread', rows },
      { title: '2', rows },
    ],
  }
  expectApart(barDrawing(chart), width)
})

test('a bar is as long as its value, its error bar as its interval', () => {
  const chart: BarChart = {
    ...named,
    axis: 'ms',
    format: String,
    groups: [
      {
        rows: [
          { label: 'a', bars: [bar(50, 80)] },
          { label: 'b', bars: [bar(100)] },
        ],
      },
    ],
  }
  const shapes = shapesOf(barDrawing(chart), 690)
  const [a, b] = shapes
    .filter(({ type }) => type === 'rect')
    .map(({ shape }) => shape as { width: number; x: number })
  expect(b!.width / a!.width).toBeCloseTo(2, 9)
  const [whisker] = shapes.filter(({ type }) => type === 'line')
  const { x1, x2 } = whisker!.shape as { x1: number; x2: number }
  expect((x1 - a!.x) / a!.width).toBeCloseTo(45 / 50, 9)
  expect((x2 - a!.x) / a!.width).toBeCloseTo(80 / 50, 9)
})

const lengths = [8, 16, 32, 64, 128, 256, 512]
const line = (name: string, factor: number) => ({
  name,
  tint: 'source' as const,
  points: lengths.map((x) => ({ x, y: x * factor, interval: { low: x * factor, high: Infinity } })),
})

test.each(widths)('lines: names and ratios stand apart, inside %d pixels', (width) => {
  for (const factor of [1.02, 3, 40]) {
    const chart: LineChart = {
      ...named,
      xAxis: 'tokens',
      yAxis: 'ms',
      lines: [line('fp32 as exported', factor), line('INT8', 1)],
      between: lengths.map((x) => ({ x, text: `${factor.toFixed(2)}×` })),
    }
    expectApart(lineDrawing(chart), width)
  }
})

test('ticks of powers hold the values', () => {
  const texts = (low: number, high: number) => powerTicks(low, high).map(({ text }) => text)
  expect(texts(0.4, 205)).toEqual([
    '0.2',
    '0.5',
    '1',
    '2',
    '5',
    '10',
    '20',
    '50',
    '100',
    '200',
    '500',
  ])
  expect(texts(3, 4)).toEqual(['2', '5'])
  expect(texts(2, 2)).toEqual(['2', '5'])
  expect(texts(0.01, 900)).toEqual(['0.01', '0.1', '1', '10', '100', '1000'])
})

test('a verdict has a shape of its own, all of one area', () => {
  const areaOf = (kind: 'undecided' | 'rejected' | 'unjudged'): number => {
    const { points } = markShape(kind, 10, 20, 3, {}).shape as { points: [number, number][] }
    const sum = points.reduce((total, [x, y], i) => {
      const [x2, y2] = points[(i + 1) % points.length]!
      return total + x * y2 - x2 * y
    }, 0)
    return Math.abs(sum) / 2
  }
  for (const kind of ['undecided', 'rejected', 'unjudged'] as const) {
    expect(areaOf(kind)).toBeCloseTo(Math.PI * 9, 9)
  }
  expect(markShape('proven', 1, 2, 3, {}).type).toBe('circle')
  const kinds = ['proven', 'undecided', 'rejected', 'unjudged'] as const
  expect(new Set(kinds.map(markPath)).size).toBe(4)
})
