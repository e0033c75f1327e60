/**
 * Measures this machine's roofline, and products of a model's own sizes, by one profiled model in a process
 * of its own.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { onnxBytes } from '../onnx/index.ts'
import type { Feeds, Optimization, Port } from '../runtime/index.ts'
import { openProcess } from '../runtime/index.ts'
import { type Profile, parseProfile } from '../runtime/profile.ts'
import {
  COPY_ELEMENTS,
  copyModel,
  type MachineModel,
  machineModel,
  machineOrigins,
  type ProductSize,
  TURNS,
} from './machine-model.ts'
import type { Roofline } from './roofline.ts'

/** A product's time in both widths. */
export interface ProductTime {
  readonly size: ProductSize
  readonly fp32Ms: number
  readonly int8Ms: number
}

export interface MachineRates {
  readonly roofline: Roofline
  /** As asked for, in their order; INT8 ones with the quantization of their activations. */
  readonly products: readonly ProductTime[]
}

/** A product that uses multipliers well and fits the caches by blocks. */
const PEAK: ProductSize = [1024, 1024, 1024]
/** Larger products run at the same rate. */
const MOST_ROWS = 4096
const RUNS = 10

/** Measures the machine; files go to `folder`. */
export async function measureMachine(
  sizes: readonly ProductSize[],
  options: {
    readonly folder: string
    readonly threads: number
    readonly signal?: AbortSignal | undefined
  },
): Promise<MachineRates> {
  const cut = sizes.map(([m, k, n]): ProductSize => [Math.min(m, MOST_ROWS), k, n])
  const measure = async (name: string, { graph, feeds }: MachineModel): Promise<Profile> => {
    const file = join(options.folder, name)
    writeFileSync(file, onnxBytes(graph, { opset: 21 }))
    return profileRuns(file, () => feeds, { ...options, runs: RUNS })
  }
  const profile = await measure('products.onnx', machineModel([PEAK, ...cut]))
  const copy = timeOf(await measure('copy.onnx', copyModel()), 'copy', 'leastMs')
  const { fp32, int8 } = machineOrigins
  const best = (of: typeof fp32, i: number, which: 'ms' | 'leastMs' = 'ms'): number =>
    Math.min(...Array.from({ length: TURNS }, (_, turn) => timeOf(profile, of(i, turn), which)))
  const operations = 2 * PEAK[0] * PEAK[1] * PEAK[2]
  return {
    roofline: {
      fp32FlopsPerSecond: (operations / best(fp32, 0, 'leastMs')) * 1000,
      int8OpsPerSecond: (operations / best(int8, 0, 'leastMs')) * 1000,
      bytesPerSecond: ((2 * 4 * COPY_ELEMENTS) / copy) * 1000,
    },
    products: sizes.map((size, i) => {
      const scale = size[0] / cut[i]![0]
      return { size, fp32Ms: best(fp32, i + 1) * scale, int8Ms: best(int8, i + 1) * scale }
    }),
  }
}

/** Milliseconds of the nodes of an origin; a roofline takes the least, a prediction the usual. */
function timeOf({ nodes }: Profile, origin: string, which: 'ms' | 'leastMs' = 'ms'): number {
  const of = nodes.filter((node) => node.origin === origin && node.op !== 'Slice')
  const ms = of.reduce((sum, node) => sum + node[which], 0)
  // the profiler counts whole microseconds
  if (of.length > 0) return Math.max(ms, 0.001)
  throw new LimbeckError('runtime', `the machine's profile lacks ${origin}.`)
}

/** Runs a model in a process of its own with ONNX Runtime's profiler on. */
export async function profileRuns(
  file: string,
  feedsOf: (inputs: readonly Port[]) => Feeds,
  options: {
    readonly folder: string
    readonly threads: number
    readonly runs: number
    readonly optimization?: Optimization
    readonly signal?: AbortSignal | undefined
  },
): Promise<Profile> {
  const { folder, threads, runs, optimization, signal } = options
  const prefix = `profile-${readdirSync(folder).length}`
  const engine = await openProcess(file, {
    threads,
    profile: join(folder, prefix),
    ...(optimization && { optimization }),
    ...(signal && { signal }),
  })
  try {
    await engine.time(feedsOf(engine.inputs), runs, signal ? { signal } : {})
  } finally {
    // the profile is written when the session ends
    await engine.release()
  }
  const name = readdirSync(folder).find((one) => one.startsWith(prefix))
  if (name === undefined) throw new LimbeckError('runtime', `${file}: no profile was written.`)
  return parseProfile(readFileSync(join(folder, name), 'utf8'))
}
