import { expect, it } from 'vitest'
import { float32Tensor } from '../graph/tensor.ts'
import { wordNeighbours } from './word-neighbours.ts'

it('finds the nearest words by angle, lengths and the common mean aside', async () => {
  // directions on a circle, in degrees; every row is longer than the last and moved by the same vector
  const angles = [0, 10, 25, 180, 190, 200, 90, 270]
  const round = (degrees: number) => (degrees * Math.PI) / 180
  const rows = angles.map((a, i) => [
    5 + (i + 1) * Math.cos(round(a)),
    -3 + (i + 1) * Math.sin(round(a)),
  ])
  const mean = [0, 1].map((k) => rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length)
  const centred = rows.map((row) => row.map((x, k) => x - mean[k]!))
  const cosine = (a: number, b: number) => {
    const [x, y] = [centred[a]!, centred[b]!]
    return (x[0]! * y[0]! + x[1]! * y[1]!) / (Math.hypot(...x) * Math.hypot(...y))
  }
  const table = float32Tensor(rows.flat(), [rows.length, 2])
  const among = [0, 1, 2, 3, 4, 5]
  const found = await wordNeighbours(table, { count: 2, of: [1, 4, 7], among })
  for (const word of [1, 4, 7]) {
    const others = among.filter((other) => other !== word)
    others.sort((a, b) => cosine(word, b) - cosine(word, a))
    expect(found.get(word)).toEqual(others.slice(0, 2))
  }
})
