/**
 * A race: entrants timed in one interleaved run, and the claims that its times are held against.
 *
 * A ratio is taken within each round, where both met the same machine; its interval is a bootstrap over
 * rounds. A claim is met when the ratio reaches its bound; where the bound lies inside the interval the
 * verdict says so, since another run may come out otherwise.
 */
import { speedupByRound, summariseRounds, type Timing } from '../src/bench/index.ts'
import { type Cell, type Table, textTable } from '../src/report/table.ts'
import { formatNumber, formatRatio } from '../src/report/units.ts'
import type { Interval } from '../src/stats/index.ts'

/** Times of all entrants of one run. */
export interface Race {
  readonly title: string
  /** Texts x tokens. */
  readonly shape: string
  readonly threads: number
  readonly timings: readonly Timing[]
}

/** `ours` at least `bound` times as fast as `rival`; without a bound the ratio is only shown. */
export interface Wanted {
  readonly ours: string
  readonly rival: string
  readonly bound?: number
}

/** A ratio as measured. */
export interface Claim extends Wanted {
  readonly race: string
  readonly shape: string
  readonly threads: number
  /** Medians in milliseconds. */
  readonly ms: number
  readonly rivalMs: number
  readonly ratio: number
  readonly interval: Interval
  readonly met?: boolean
}

/** One entrant's figures in milliseconds, for the record. */
export interface Entrant {
  readonly race: string
  readonly name: string
  readonly rounds: number
  readonly runs: number
  readonly p50: number
  readonly p50Interval: Interval
  readonly p95: number
}

/** Holds the times of a race against what is wanted of them. */
export function claimsOf(race: Race, wanted: readonly Wanted[]): Claim[] {
  return wanted.map((want) => {
    const own = timingOf(race, want.ours)
    const rival = timingOf(race, want.rival)
    const { speedup, interval } = speedupByRound(rival.rounds, own.rounds)
    return {
      race: race.title,
      shape: race.shape,
      threads: race.threads,
      ...want,
      ms: rounded(summariseRounds(own.rounds).p50),
      rivalMs: rounded(summariseRounds(rival.rounds).p50),
      ratio: rounded(speedup),
      interval: { low: rounded(interval.low), high: rounded(interval.high) },
      ...(want.bound !== undefined && { met: speedup >= want.bound }),
    }
  })
}

/** The record of a race. */
export const entrantsOf = (race: Race): Entrant[] =>
  race.timings.map(({ name, rounds }) => {
    const { n, p50, p50Interval, p95 } = summariseRounds(rounds)
    const interval = { low: rounded(p50Interval.low), high: rounded(p50Interval.high) }
    return {
      race: race.title,
      name,
      rounds: rounds.length,
      runs: n,
      p50: rounded(p50),
      p50Interval: interval,
      p95: rounded(p95),
    }
  })

function timingOf({ title, timings }: Race, name: string): Timing {
  const found = timings.find((timing) => timing.name === name)
  if (!found) throw new Error(`internal: ${name} did not run in '${title}'`)
  return found
}

/** Four significant digits: a microsecond of a run is noise. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

/** The claims as a table. */
export function claimsTable(claims: readonly Claim[]): string {
  const table: Table = {
    columns: [
      { title: 'Limbeck' },
      { title: 'against' },
      { title: 'at' },
      { title: 'ms', align: 'right' },
      { title: 'rival ms', align: 'right' },
      { title: 'ratio [95 %]', align: 'right' },
      { title: 'bound', align: 'right' },
      { title: '' },
    ],
    rows: claims.map((claim) => [
      claim.ours,
      claim.rival,
      `${claim.shape}, ${claim.threads} thread${claim.threads === 1 ? '' : 's'}`,
      formatNumber(claim.ms),
      formatNumber(claim.rivalMs),
      `${formatRatio(claim.ratio)} [${formatNumber(claim.interval.low)}, ${formatNumber(claim.interval.high)}]`,
      claim.bound === undefined ? '' : `${claim.bound.toFixed(2)}×`,
      verdict(claim),
    ]),
  }
  return textTable(table).text
}

/** Whether the bound is met; nothing where there is none. */
export function verdict({ met, bound, interval }: Claim): Cell {
  if (met === undefined || bound === undefined) return ''
  const open = interval.low < bound && bound < interval.high ? 'within the noise' : undefined
  return { text: met ? 'met' : 'MISSED', tone: met ? 'good' : 'bad', detail: open }
}
