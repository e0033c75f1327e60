import { expect, test } from 'vitest'
import { niceScale } from './nice-scale.ts'
import { type Box, type Mark, overlap, placeLabels } from './place-labels.ts'

const plot: Box = { left: 0, top: 0, width: 600, height: 300 }
const mark = (x: number, y: number): Mark => ({
  x,
  y,
  radius: 14,
  width: 110,
  height: 34,
  bars: [],
})

test('labels of marks that nearly coincide do not overlap and stay inside the plot', () => {
  const marks = [mark(100, 150), mark(104, 152), mark(110, 148), mark(96, 160), mark(590, 5)]
  const boxes = placeLabels(marks, plot)
  boxes.forEach((box, i) => {
    expect(overlap(box, plot)).toBeCloseTo(box.width * box.height, 6)
    for (const other of boxes.slice(i + 1)) expect(overlap(box, other)).toBe(0)
  })
})

test('a label keeps off what is covered', () => {
  const covered = [{ left: 0, top: 140, width: 600, height: 20 }]
  const [box] = placeLabels([mark(300, 150)], plot, covered)
  expect(overlap(box!, covered[0]!)).toBe(0)
})

test('scales end at round numbers', () => {
  expect(niceScale(0, 9.3, 6)).toEqual({ min: 0, max: 10, step: 2 })
  expect(niceScale(0.912, 0.958, 5)).toEqual({ min: 0.91, max: 0.96, step: 0.01 })
  expect(niceScale(1, 1)).toEqual({ min: 1, max: 1.2, step: 0.2 })
})
