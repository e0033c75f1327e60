import { expect, it } from 'vitest'
import { randomFrom } from '../stats/index.ts'
import { speedupByRound, summariseRounds } from './summarise-rounds.ts'

it('puts intervals around the median and the tail', () => {
  const { uniform } = randomFrom(3)
  const rounds = Array.from({ length: 40 }, () => Array.from({ length: 5 }, () => 10 + uniform()))
  const { n, p50, p95, p50Interval, p95Interval } = summariseRounds(rounds)
  expect(n).toBe(200)
  expect(p50).toBeCloseTo(10.5, 1)
  expect(p95).toBeCloseTo(10.95, 1)
  for (const [value, { low, high }] of [
    [p50, p50Interval],
    [p95, p95Interval],
  ] as const) {
    expect(low).toBeLessThan(value)
    expect(high).toBeGreaterThan(value)
    expect(high - low).toBeLessThan(0.3)
  }
})

it('covers the true median about 95 times of 100, also when whole rounds drift', () => {
  let covered = 0
  for (let seed = 1; seed <= 100; seed++) {
    const { uniform } = randomFrom(seed)
    const rounds = Array.from({ length: 30 }, () => {
      const drift = uniform()
      return Array.from({ length: 4 }, () => drift + uniform())
    })
    const { low, high } = summariseRounds(rounds, seed).p50Interval
    if (low <= 1 && 1 <= high) covered++
  }
  expect(covered).toBeGreaterThan(88)
})

it('pairs ratios by round, so that a drifting machine does not widen them', () => {
  const { uniform } = randomFrom(5)
  const drift = Array.from({ length: 20 }, () => 1 + 3 * uniform())
  const rounds = (ms: number) => drift.map((d) => [d * ms, d * ms * 1.001])
  const { speedup, interval } = speedupByRound(rounds(20), rounds(10))
  expect([interval.low, speedup, interval.high]).toEqual([2, 2, 2].map((x) => expect.closeTo(x, 2)))
  const alone = summariseRounds(rounds(10)).p50Interval
  expect(alone.high / alone.low).toBeGreaterThan(1.2)
})

it('says that few runs cannot bound the tail', () => {
  expect(summariseRounds([[1, 2], [3]]).p95Interval.high).toBe(Number.POSITIVE_INFINITY)
})
