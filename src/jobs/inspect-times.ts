/** Times of the two files, and of fp32 at half the tokens, taken in turns without the profiler. */
import type { BenchShape } from '../bench/bench-shape.ts'
import { timeInterleaved } from '../bench/time-interleaved.ts'
import { tokenFeeds } from '../bench/token-feeds.ts'
import { openProcess, type ProcessEngine } from '../runtime/index.ts'
import { median } from '../stats/index.ts'

/** Medians, milliseconds. */
export interface InspectTimes {
  readonly fp32Ms: number
  readonly int8Ms: number
  readonly halfMs: number
}

const SECONDS = 3

/** Measures `[fp32, INT8]` files. */
export async function timeVariants(
  [fp32, int8]: readonly [string, string],
  shape: BenchShape,
  options: { readonly threads: number; readonly signal?: AbortSignal },
): Promise<InspectTimes> {
  const { threads, signal } = options
  const session = { threads, ...(signal && { signal }) }
  const half = { ...shape, sequence: Math.max(1, shape.sequence >> 1) }
  const engines: ProcessEngine[] = []
  try {
    for (const file of [fp32, int8]) engines.push(await openProcess(file, session))
    const candidate = (name: string, engine: ProcessEngine, at: BenchShape) => ({
      name,
      // the first run of a turn meets cold caches
      run: async () =>
        (await engine.time(tokenFeeds(at, engine.inputs), 4, signal ? { signal } : {})).slice(1),
    })
    const timings = await timeInterleaved(
      [
        candidate('fp32', engines[0]!, shape),
        candidate('INT8', engines[1]!, shape),
        candidate('half', engines[0]!, half),
      ],
      { maxSeconds: SECONDS, minRounds: 3, warmup: 1, signal },
    )
    const [fp32Ms, int8Ms, halfMs] = timings.map(({ rounds }) => median(rounds.flat()))
    return { fp32Ms: fp32Ms!, int8Ms: int8Ms!, halfMs: halfMs! }
  } finally {
    await Promise.all(engines.map((engine) => engine.release()))
  }
}
