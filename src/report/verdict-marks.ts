/**
 * Marks of variants in the report's chart: the verdict is the shape, so that it is seen without colour. All
 * shapes of one radius have the area of its circle.
 */
import type { Verdict } from '../stats/acceptance.ts'
import type { Shape } from './shapes.ts'

/** What is judged, and what is not: the source, or everything where nothing was labelled. */
export type MarkKind = Verdict | 'unjudged'

/** Corners of a mark around (0, 0), for a circle of radius 1; a circle has none. */
const corners: Readonly<Record<MarkKind, readonly (readonly [number, number])[]>> = {
  proven: [],
  undecided: diamond(Math.sqrt(Math.PI / 2)),
  rejected: triangle(Math.sqrt((4 * Math.PI) / (3 * Math.sqrt(3)))),
  unjudged: square(Math.sqrt(Math.PI) / 2),
}

function diamond(half: number): [number, number][] {
  return [
    [0, -half],
    [half, 0],
    [0, half],
    [-half, 0],
  ]
}

/** Its point down: worse. */
function triangle(reach: number): [number, number][] {
  return [-30, 90, 210].map((angle) => {
    const turn = (angle * Math.PI) / 180
    return [reach * Math.cos(turn), reach * Math.sin(turn)]
  })
}

function square(half: number): [number, number][] {
  return [
    [-half, -half],
    [half, -half],
    [half, half],
    [-half, half],
  ]
}

/** A mark as a shape of a chart. */
export function markShape(kind: MarkKind, x: number, y: number, r: number, style: Shape): Shape {
  if (corners[kind].length === 0) return { type: 'circle', shape: { cx: x, cy: y, r }, style }
  const points = corners[kind].map(([dx, dy]) => [x + dx * r, y + dy * r])
  return { type: 'polygon', shape: { points }, style }
}

/** The same as the content of an SVG of 16 by 16, for the key. */
export function markPath(kind: MarkKind): string {
  if (corners[kind].length === 0) return 'M8 3a5 5 0 1 1 0 10a5 5 0 1 1 0 -10z'
  const points = corners[kind].map(
    ([dx, dy]) => `${(8 + dx * 5).toFixed(2)} ${(8 + dy * 5).toFixed(2)}`,
  )
  return `M${points.join('L')}z`
}
