/**
 * Times of the files that `inspect` compares, taken in turns without the profiler: each file with its
 * options in a process of its own, which runs it at all the shapes that are asked of it.
 */
import type { BenchShape } from '../bench/bench-shape.ts'
import { timeInterleaved } from '../bench/time-interleaved.ts'
import type { BenchFeeds } from '../bench/token-feeds.ts'
import { type Optimization, openProcess, type ProcessEngine } from '../runtime/index.ts'
import { median } from '../stats/index.ts'

/** What is timed. */
export interface TimedRun<N extends string = string> {
  readonly name: N
  readonly file: string
  readonly shape: BenchShape
  readonly threads: number
  /** Default `limbeck`. */
  readonly optimization?: Optimization | undefined
}

const SECONDS = 4
/** Runs of a turn; the first meets cold caches and does not count. */
const TURN = 3

/** Median milliseconds by name. */
export async function timeRuns<N extends string>(
  runs: readonly TimedRun<N>[],
  feedsOf: BenchFeeds,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Readonly<Record<N, number>>> {
  const limits = signal ? { signal } : {}
  const engines = new Map<string, ProcessEngine>()
  try {
    const candidates = []
    for (const { name, file, shape, threads, optimization } of runs) {
      const key = [file, threads, optimization].join()
      const session = { threads, ...(optimization && { optimization }), ...limits }
      const engine = engines.get(key) ?? (await openProcess(file, session))
      engines.set(key, engine)
      const feeds = feedsOf(shape, engine.inputs)
      const run = async () => (await engine.time(feeds, TURN, limits)).slice(1)
      candidates.push({ name, run })
    }
    const options = { maxSeconds: SECONDS, minRounds: 3, warmup: 1, signal }
    const timings = await timeInterleaved(candidates, options)
    const times = timings.map(({ name, rounds }) => [name, median(rounds.flat())])
    return Object.fromEntries(times) as Record<N, number>
  } finally {
    await Promise.all([...engines.values()].map((engine) => engine.release()))
  }
}
