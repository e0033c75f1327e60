import { expect, test } from 'vitest'
import { paretoFront } from './pareto-front.ts'

const points = [
  { name: 'slow, best', x: 15, y: 0.95 },
  { name: 'fast, worst', x: 4, y: 0.9 },
  { name: 'beaten in both', x: 12, y: 0.89 },
  { name: 'middle', x: 8, y: 0.93 },
  { name: 'as good as the middle, slower', x: 9, y: 0.93 },
  { name: 'as fast as the middle, worse', x: 8, y: 0.92 },
]
const names = (front: readonly { name: string }[]) => front.map(({ name }) => name)

test('the front holds what nothing beats in both', () => {
  expect(names(paretoFront(points, 'higher'))).toEqual(['fast, worst', 'middle', 'slow, best'])
})

test('where less is better', () => {
  expect(names(paretoFront(points, 'lower'))).toEqual(['fast, worst', 'beaten in both'])
})

test('every point is on the front or beaten by one that is', () => {
  const front = paretoFront(points, 'higher')
  for (const point of points) {
    const beaten = front.some(({ x, y }) => x <= point.x && y >= point.y)
    expect(beaten).toBe(true)
  }
  expect(paretoFront([], 'higher')).toEqual([])
})
