/** What charts are drawn of, as ECharts' custom series takes it: lines, texts, marks; sizes in pixels. */
import { displayWidth } from './plain-text.ts'

export interface ChartSize {
  readonly width: number
  readonly height: number
}

/** A picture for a telephone: smaller marks, fewer words. */
export const isNarrow = ({ width }: Pick<ChartSize, 'width'>): boolean => width < 500

/** A shape as ECharts' custom series takes it. */
export type Shape = Readonly<Record<string, unknown>>

/** Between the picture's edges and the axes. */
export type Margins = Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>

/** Who a mark stands for; the page has a colour for each. */
export type Tint = 'source' | 'chosen' | 'other' | 'rejected'

/** Colours of the page, so that one drawing serves light and dark. */
export const tints: Readonly<Record<Tint, string>> = {
  source: 'var(--source)',
  chosen: 'var(--chosen)',
  other: 'var(--variant)',
  rejected: 'var(--bad)',
}

/** Sizes of text. */
export const nameSize = 14
export const detailSize = 12

/** The font of the page. */
export const font = (fontSize: number, fontWeight = 400): Shape => ({
  fontSize,
  fontWeight,
  fontFamily: 'inherit',
})

/** Text cannot be measured here: 0.6 of its size a column is wide enough for common fonts. */
export const textWidth = (text: string, size: number): number => displayWidth(text) * size * 0.6

export const line = (x1: number, y1: number, x2: number, y2: number, style: Shape): Shape => ({
  type: 'line',
  shape: { x1, y1, x2, y2 },
  style: { fill: 'none', ...style },
})

export const text = (content: string, x: number, y: number, style: Shape): Shape => ({
  type: 'text',
  style: { text: content, x, y, verticalAlign: 'middle', ...style },
})

/** An interval with its caps, along x or y. */
export function errorBar(
  axis: 'x' | 'y',
  [low, high]: readonly [number, number],
  across: number,
  style: Shape,
  cap = 4,
): Shape[] {
  const turned = (a: number, b: number, c: number, d: number): Shape =>
    axis === 'x' ? line(a, b, c, d, style) : line(b, a, d, c, style)
  return [
    turned(low, across, high, across),
    turned(low, across - cap, low, across + cap),
    turned(high, across - cap, high, across + cap),
  ]
}

/** Text stays readable over lines: a rim of the card's colour. */
export const halo: Shape = { stroke: 'var(--card)', lineWidth: 3 }
