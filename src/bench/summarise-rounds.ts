/**
 * Latency figures with intervals from times taken in rounds.
 *
 * Runs of one turn resemble each other, so intervals from order statistics, which take every run as
 * independent, are widened to those of a bootstrap that resamples whole rounds (Davison and Hinkley
 * 1997, section 3.8). Ratios are taken within a round, where both met the same machine.
 */
import {
  bootstrapInterval,
  type Interval,
  median,
  type Statistic,
  speedup,
  summarizeTimings,
  type TimingRatio,
  type TimingSummary,
} from '../stats/index.ts'

/** Milliseconds by round. */
export type Rounds = readonly (readonly number[])[]

/** Summary of all runs; an interval's upper end is infinite where the runs are too few to tell. */
export function summariseRounds(rounds: Rounds, seed = 1): TimingSummary {
  const summary = summarizeTimings(rounds.flat())
  const byRound = (p: number) =>
    bootstrapInterval(rounds.length, quantileOfRounds(rounds, p), { seed })
  return {
    ...summary,
    p50Interval: wider(summary.p50Interval, byRound(0.5)),
    p95Interval: wider(summary.p95Interval, byRound(0.95)),
  }
}

/** How many times faster than the rival; rounds of the same number belong together. */
export function speedupByRound(rival: Rounds, own: Rounds, seed = 1): TimingRatio {
  return speedup(rival.map(median), own.map(median), { seed })
}

const wider = (a: Interval, b: Interval): Interval => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
})

/** The p-quantile of all runs as a statistic of counted rounds: sorts once. */
function quantileOfRounds(rounds: Rounds, p: number): Statistic {
  const runs = rounds
    .flatMap((times, round) => times.map((ms) => ({ ms, round })))
    .sort((a, b) => a.ms - b.ms)
  return (counts) => {
    const total = runs.reduce((sum, { round }) => sum + counts[round]!, 0)
    let seen = 0
    return runs.find(({ round }) => (seen += counts[round]!) > p * (total - 1))?.ms ?? Number.NaN
  }
}
