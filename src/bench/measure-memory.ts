/**
 * What a model costs in memory: the peak of a fresh process that loads and runs it, and what of that
 * Node and ONNX Runtime take alone. Files that are mapped count once they have been touched.
 */
import { openProcess, type ProcessOptions } from '../runtime/index.ts'
import type { BenchShape } from './bench-shape.ts'
import { type BenchFeeds, tokenFeeds } from './token-feeds.ts'

/** Resident memory of a process that ran a model, in bytes. */
export interface MemoryUse {
  /** The most that was ever resident. */
  readonly peak: number
  /** Resident with Node and ONNX Runtime alone. */
  readonly baseline: number
  /** Resident once the model was loaded. */
  readonly afterLoad: number
  /** What the model adds at its worst: `peak` less `baseline`. */
  readonly model: number
}

/** How to load and feed the model. */
export interface MemoryOptions extends ProcessOptions {
  /** Default: random tokens. */
  readonly feeds?: BenchFeeds
  /** Runs before the peak is read; default 3, after which the arena no longer grows. */
  readonly runs?: number
}

/**
 * Memory of the model at `path` for one shape, in a process of its own.
 * @throws LimbeckError as `openProcess` and its runs do.
 */
export async function measureMemory(
  path: string,
  shape: BenchShape,
  { feeds = tokenFeeds, runs = 3, ...options }: MemoryOptions = {},
): Promise<MemoryUse> {
  const engine = await openProcess(path, options)
  try {
    const { signal } = options
    await engine.time(feeds(shape, engine.inputs), runs, signal ? { signal } : {})
    return memoryUse(await engine.memory())
  } finally {
    await engine.release()
  }
}

/** The figures of a process as the use of its model. */
export const memoryUse = (memory: {
  readonly peak: number
  readonly baseline: number
  readonly afterLoad: number
}): MemoryUse => ({
  peak: memory.peak,
  baseline: memory.baseline,
  afterLoad: memory.afterLoad,
  model: memory.peak - memory.baseline,
})
