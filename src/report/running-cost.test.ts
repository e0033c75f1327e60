import { expect, test } from 'vitest'
import type { LatencyReport } from './latency-report.ts'
import { runningCost } from './running-cost.ts'

const latency = (shape: string, p50: number, low: number, high: number): LatencyReport => ({
  shape,
  threads: 1,
  p50,
  p95: high,
  p50Interval: { low, high },
  p95Interval: { low, high },
  tokensPerSecond: 1,
  oversubscribed: false,
})

test('36 ms a request: ten hours for a million', () => {
  const cost = runningCost([{ name: 'a', latency: latency('1x128', 36, 18, 72) }], {
    pricePerHour: 0.5,
    watts: 100,
  })
  const [variant] = cost!.variants
  expect(variant!.hours).toEqual({ value: 10, interval: { low: 5, high: 20 } })
  expect(variant!.requestsPerSecond.value).toBeCloseTo(1000 / 36, 10)
  expect(variant!.requestsPerSecond.interval.low).toBeCloseTo(1000 / 72, 10)
  expect(variant!.requestsPerSecond.interval.high).toBeCloseTo(1000 / 18, 10)
  expect(variant!.price).toEqual({ value: 5, interval: { low: 2.5, high: 10 } })
  expect(variant!.kilowattHours).toEqual({ value: 1, interval: { low: 0.5, high: 2 } })
})

test('each text of a batch is a request', () => {
  const [variant] = runningCost(
    [{ name: 'a', latency: latency('8x128', 36, 36, 36) }],
    {},
  )!.variants
  expect(variant!.hours.value).toBe(10 / 8)
  expect(variant!.price).toBeUndefined()
  expect(variant!.kilowattHours).toBeUndefined()
})

test('an end that is not known stays open', () => {
  const open = latency('1x8', 1, 0.9, Number.POSITIVE_INFINITY)
  const [variant] = runningCost([{ name: 'a', latency: open }], {})!.variants
  expect(variant!.hours.interval.high).toBe(Number.POSITIVE_INFINITY)
  expect(variant!.requestsPerSecond.interval.low).toBe(0)
  expect(runningCost([], {})).toBeUndefined()
})
