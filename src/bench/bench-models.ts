/**
 * Measures models against a rival: every model in a process of its own (the thread pools of two
 * sessions in one process disturb each other), times taken inside that process around ONNX Runtime,
 * turns interleaved in random order.
 *
 * A model comes to its turn with cold caches; its first runs only warm them and are not timed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LimbeckError, nearest } from '../errors.ts'
import {
  type Feeds,
  hardware,
  openProcess,
  type ProcessEngine,
  type ProcessOptions,
} from '../runtime/index.ts'
import { median, type TimingRatio, type TimingSummary } from '../stats/index.ts'
import { type BenchShape, formatShape, parseShapes } from './bench-shape.ts'
import { type MemoryUse, memoryUse } from './measure-memory.ts'
import { speedupByRound, summariseRounds } from './summarise-rounds.ts'
import {
  type TimedCandidate,
  type Timing,
  type TimingOptions,
  timeInterleaved,
} from './time-interleaved.ts'
import { type BenchFeeds, tokenFeeds } from './token-feeds.ts'

/** A model to measure. */
export interface BenchCandidate {
  readonly name: string
  readonly path: string
  /** Session options; threads are the benchmark's affair. */
  readonly options?: Omit<ProcessOptions, 'threads' | 'signal'>
  /** Default: random tokens. */
  readonly feeds?: BenchFeeds
}

/** What to measure; the times are for each row (a shape at a thread count). */
export interface BenchOptions extends Omit<TimingOptions, 'onProgress'> {
  /** Such as `1x16,8x128`; default `1x16,1x128,8x128`. */
  readonly shapes?: string | readonly BenchShape[]
  /** Thread counts; default [1]. */
  readonly threads?: readonly number[]
  /** Name of the rival that ratios are taken against; default: the first candidate. */
  readonly vs?: string
  readonly onProgress?: (progress: BenchProgress) => void
}

/** Where a benchmark is. */
export interface BenchProgress {
  readonly shape: BenchShape
  readonly threads: number
  readonly rounds: number
  /** Of the whole benchmark, between 0 and 1. */
  readonly fraction: number
}

/** One model in one row; its summary is in milliseconds. */
export interface BenchEntry extends TimingSummary {
  readonly name: string
  /** How many times faster than the rival, paired by round; absent for the rival itself. */
  readonly vsRival?: TimingRatio
  readonly tokensPerSecond: number
  readonly memory: MemoryUse
  /** Runs of each turn: those that only warmed the caches, and those timed. */
  readonly turn: { readonly warm: number; readonly timed: number }
  /** Every time taken, in milliseconds, by round. */
  readonly rounds: Timing['rounds']
}

/** All models at one shape and thread count. */
export interface BenchRow {
  readonly shape: BenchShape
  readonly threads: number
  /** More threads than the cores allotted to this process: not a figure to quote. */
  readonly oversubscribed: boolean
  readonly vs: string
  readonly entries: readonly BenchEntry[]
}

// of a turn: long enough that its start-up does not count, short enough for many rounds
const warmMs = 25
const turnMs = 50
// threads that spin after a run give up after about 30 ms
const spinMs = 60

/**
 * Measures the candidates at every shape and thread count.
 * @throws LimbeckError `usage` for unknown names or shapes, `cancelled`, and what engines throw.
 * @example
 * const rows = await benchModels(
 *   [
 *     { name: 'source', path: 'source/model.onnx', options: { optimization: 'default' } },
 *     { name: 'int8', path: 'out/model_quantized.onnx' },
 *   ],
 *   { shapes: '1x128', threads: [1, 2] },
 * )
 */
export async function benchModels(
  candidates: readonly BenchCandidate[],
  options: BenchOptions = {},
): Promise<BenchRow[]> {
  const { shapes: wanted = '1x16,1x128,8x128', threads: counts = [1], onProgress } = options
  const shapes = typeof wanted === 'string' ? parseShapes(wanted) : wanted
  const vs = checkNames(candidates, options.vs)
  const plan = counts.flatMap((threads) => shapes.map((shape) => ({ threads, shape })))
  const rows: BenchRow[] = []
  for (const { threads, shape } of plan) {
    const row = await benchRow(candidates, shape, threads, vs, {
      ...options,
      onProgress: ({ rounds, fraction }) =>
        onProgress?.({ shape, threads, rounds, fraction: (rows.length + fraction) / plan.length }),
    })
    rows.push(row)
  }
  return rows
}

function checkNames(candidates: readonly BenchCandidate[], vs: string | undefined): string {
  const names = candidates.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (names.length === 0 || twice !== undefined) {
    const got = twice === undefined ? 'none' : `'${twice}' twice`
    throw new LimbeckError('usage', `A benchmark needs models of different names, got ${got}.`)
  }
  if (vs !== undefined && !names.includes(vs)) {
    const near = nearest(vs, names)
    throw new LimbeckError('usage', `The rival '${vs}' is none of ${names.join(', ')}.`, {
      ...(near !== undefined && { hint: `Did you mean '${near}'?` }),
    })
  }
  return vs ?? names[0]!
}

async function benchRow(
  candidates: readonly BenchCandidate[],
  shape: BenchShape,
  threads: number,
  vs: string,
  options: TimingOptions,
): Promise<BenchRow> {
  const { seed = 1, signal } = options
  const engines: ProcessEngine[] = []
  try {
    const turns: (TimedCandidate & Pick<BenchEntry, 'turn'>)[] = []
    for (const { name, path, options: session, feeds = tokenFeeds } of candidates) {
      const engine = await openProcess(path, { ...session, threads, ...(signal && { signal }) })
      engines.push(engine)
      const spins = threads > 1 && session?.spinning === 'always'
      turns.push({ name, ...(await turnOf(engine, feeds(shape, engine.inputs), spins, signal)) })
    }
    const timings = await timeInterleaved(turns, options)
    const rival = timings.find(({ name }) => name === vs)!
    const entries = await Promise.all(
      timings.map(async ({ name, rounds }, index) => {
        const latency = summariseRounds(rounds, seed)
        return {
          name,
          ...latency,
          ...(name !== vs && { vsRival: speedupByRound(rival.rounds, rounds, seed) }),
          tokensPerSecond: (shape.batch * shape.sequence * 1000) / latency.p50,
          memory: memoryUse(await engines[index]!.memory()),
          turn: turns[index]!.turn,
          rounds,
        }
      }),
    )
    const oversubscribed = threads > hardware().allottedCores
    return { shape, threads, oversubscribed, vs, entries }
  } catch (error) {
    throw inRow(error, shape, threads)
  } finally {
    await Promise.all(engines.map((engine) => engine.release()))
  }
}

/** A turn of this engine: some runs that warm its caches, then the timed ones. */
async function turnOf(engine: ProcessEngine, feeds: Feeds, spins: boolean, signal?: AbortSignal) {
  const limits = signal ? { signal } : {}
  // the first runs grow the arena
  const pace = median((await engine.time(feeds, 5, limits)).slice(2))
  const warm = Math.min(16, Math.max(1, Math.ceil(warmMs / pace)))
  const timed = Math.min(32, Math.max(2, Math.ceil(turnMs / pace)))
  const run = async () => {
    const times = await engine.time(feeds, warm + timed, limits)
    if (spins) await sleep(spinMs)
    return times.slice(warm)
  }
  return { run, turn: { warm, timed } }
}

function inRow(error: unknown, shape: BenchShape, threads: number): unknown {
  if (!(error instanceof LimbeckError) || error.code === 'cancelled') return error
  const where = `at ${formatShape(shape)} with ${threads} thread${threads === 1 ? '' : 's'}`
  return new LimbeckError(error.code, `${error.message.replace(/\.$/, '')} (${where}).`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error,
  })
}
