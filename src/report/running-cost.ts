/**
 * Latency as hours, energy and money: one process in a closed loop (the next request begins when the last
 * has been answered), at its median latency. All figures are proportional to it, and so are their intervals.
 */
import type { LatencyReport } from './latency-report.ts'
import type { Estimate, RunningCost } from './report-details.ts'

/** What an hour of the machine costs and takes; nothing is assumed where nothing is given. */
export interface RunningRates {
  readonly pricePerHour?: number | undefined
  readonly currency?: string | undefined
  readonly watts?: number | undefined
}

const MILLION = 1e6
const MS_PER_HOUR = 3_600_000

/** What a million requests take of each variant, from latencies at one shape and thread count. */
export function runningCost(
  rows: readonly { readonly name: string; readonly latency: LatencyReport }[],
  { pricePerHour, currency, watts }: RunningRates,
): RunningCost | undefined {
  const first = rows[0]?.latency
  if (!first) return undefined
  const batch = Number.parseInt(first.shape, 10)
  return {
    shape: first.shape,
    threads: first.threads,
    pricePerHour,
    currency,
    watts,
    variants: rows.map(({ name, latency }) => {
      const hours = estimate(latency, (ms) => (MILLION * ms) / batch / MS_PER_HOUR)
      const times = (factor: number | undefined): Estimate | undefined =>
        factor === undefined ? undefined : scaled(hours, factor)
      return {
        name,
        requestsPerSecond: estimate(latency, (ms) => (batch * 1000) / ms),
        hours,
        kilowattHours: times(watts === undefined ? undefined : watts / 1000),
        price: times(pricePerHour),
      }
    }),
  }
}

/** A monotone function of the median, and of the ends of its interval. */
function estimate({ p50, p50Interval }: LatencyReport, of: (ms: number) => number): Estimate {
  const ends = [of(p50Interval.low), of(p50Interval.high ?? Number.POSITIVE_INFINITY)] as const
  return { value: of(p50), interval: { low: Math.min(...ends), high: Math.max(...ends) } }
}

const scaled = ({ value, interval }: Estimate, factor: number): Estimate => ({
  value: value * factor,
  interval: { low: interval.low * factor, high: interval.high * factor },
})
