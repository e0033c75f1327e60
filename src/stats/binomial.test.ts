import { expect, test } from 'vitest'
import { binomial, multinomial } from './binomial.ts'
import { randomFrom } from './random.ts'

/** P(k) by its recurrence, from logarithms. */
function distribution(n: number, p: number): Float64Array {
  const all = new Float64Array(n + 1)
  let log = n * Math.log1p(-p)
  for (let k = 0; k <= n; k++) {
    all[k] = Math.exp(log)
    log += Math.log((n - k) / (k + 1)) + Math.log(p / (1 - p))
  }
  return all
}

// each way of drawing, its mirror, and the border between them
test.each([
  [5, 0.3],
  [40, 0.2],
  [40, 0.25],
  [40, 0.75],
  [33, 0.5],
  [872, 0.5],
  [67_349, 0.01],
  [67_349, 0.9],
])('of %i trials of %f come as often as they should', (n, p) => {
  const random = randomFrom(n)
  const draws = 40_000
  const seen = new Float64Array(n + 1)
  for (let i = 0; i < draws; i++) seen[binomial(random, n, p)]! += 1
  // Pearson's chi square over cells of at least 20 expected draws, neighbours merged
  let [square, cells, expected, found] = [0, 0, 0, 0]
  for (const [k, probability] of distribution(n, p).entries()) {
    expected += probability * draws
    found += seen[k]!
    if (expected < 20) continue
    square += (found - expected) ** 2 / expected
    cells++
    expected = 0
    found = 0
  }
  const free = cells - 1
  // 4 standard deviations of chi square
  expect(square).toBeLessThan(free + 4 * Math.sqrt(2 * free))
  expect(cells).toBeGreaterThan(4)
})

test('ends of the range', () => {
  const random = randomFrom(1)
  expect([binomial(random, 9, 0), binomial(random, 9, 1), binomial(random, 0, 0.5)]).toEqual([
    0, 9, 0,
  ])
})

test('multinomial counts add up, and kinds of weight 0 never come', () => {
  const random = randomFrom(3)
  const weights = [0, 700, 0, 200, 100, 0]
  const counts = new Float64Array(6)
  const sums = new Float64Array(6)
  for (let i = 0; i < 2000; i++) {
    multinomial(random, 1000, weights, counts)
    expect(counts.reduce((a, b) => a + b)).toBe(1000)
    counts.forEach((count, kind) => {
      sums[kind]! += count
    })
  }
  expect([sums[0], sums[2], sums[5]]).toEqual([0, 0, 0])
  for (const kind of [1, 3, 4]) {
    const deviation = Math.sqrt((weights[kind]! * (1 - weights[kind]! / 1000)) / 2000)
    expect(Math.abs(sums[kind]! / 2000 - weights[kind]!)).toBeLessThan(4 * deviation)
  }
})
