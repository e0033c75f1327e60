/**
 * Fair timing: the candidates take turns in rounds, each round in a new random order.
 *
 * Machines drift (clock, heat, neighbours), so times taken one candidate after the other compare the
 * minutes, not the candidates; within a round all meet the same machine, and ratios are paired by it.
 * Only the warm-up rounds are dropped; all other times that turns report are kept and returned.
 */
import { LimbeckError } from '../errors.ts'
import { randomFrom } from '../stats/index.ts'

/** Something to time. */
export interface TimedCandidate {
  readonly name: string
  /**
   * One turn. It may measure itself and return the milliseconds of its runs; otherwise it is one run,
   * timed from call to settling.
   */
  readonly run: (() => Promise<readonly number[]>) | (() => Promise<void>)
}

/** How a timing goes on and where it is. */
export interface TimingProgress {
  /** Rounds done, warm-up not counted. */
  readonly rounds: number
  readonly seconds: number
  /** Between 0 and 1. */
  readonly fraction: number
}

/** How long to time. */
export interface TimingOptions {
  /** Rounds whose times are dropped; default 2. */
  readonly warmup?: number
  /** Rounds that are made however long they take; default 5. */
  readonly minRounds?: number
  /** Rounds after which it ends; default 200. */
  readonly maxRounds?: number
  /** Seconds after which no new round begins, `minRounds` aside; default 10. */
  readonly maxSeconds?: number
  /** Seed of the order; default 1. */
  readonly seed?: number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: TimingProgress) => void) | undefined
}

/** The times of a candidate. */
export interface Timing {
  readonly name: string
  /** Milliseconds by round; all candidates have the same rounds. */
  readonly rounds: readonly (readonly number[])[]
}

/**
 * Times candidates against each other.
 * @throws LimbeckError `cancelled` when the signal says so; what a candidate throws passes through.
 */
export async function timeInterleaved(
  candidates: readonly TimedCandidate[],
  options: TimingOptions = {},
): Promise<Timing[]> {
  const { warmup = 2, minRounds = 5, maxRounds = 200, maxSeconds = 10 } = options
  const random = randomFrom(options.seed ?? 1)
  const rounds = candidates.map((): (readonly number[])[] => [])
  const order = candidates.map((_, index) => index)
  for (let round = 0; round < warmup; round++) {
    for (const index of shuffle(order, random)) await turn(candidates[index]!, options.signal)
  }
  const start = performance.now()
  for (let round = 1; round <= maxRounds; round++) {
    for (const index of shuffle(order, random)) {
      rounds[index]!.push(await turn(candidates[index]!, options.signal))
    }
    const seconds = (performance.now() - start) / 1000
    const enough = round >= minRounds && seconds >= maxSeconds
    const share = Math.max(round / maxRounds, Math.min(round / minRounds, seconds / maxSeconds))
    options.onProgress?.({ rounds: round, seconds, fraction: Math.min(1, share) })
    if (enough) break
  }
  return candidates.map(({ name }, index) => ({ name, rounds: rounds[index]! }))
}

async function turn(
  candidate: TimedCandidate,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  if (signal?.aborted) throw new LimbeckError('cancelled', 'The measurement was cancelled.')
  const start = performance.now()
  const times = await candidate.run()
  return Array.isArray(times) ? times : [performance.now() - start]
}

/** A new order (Fisher and Yates), in place. */
function shuffle(order: number[], { below }: { below(bound: number): number }): number[] {
  for (let i = order.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}
