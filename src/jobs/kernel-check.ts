/**
 * What becomes of a quantized file when ONNX Runtime loads it: the operators that missed the kernel they were meant
 * for, with their share of a profiled run, and whether its products are exact on other CPUs.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { type Miss, missedKernels } from '../passes/missed-kernels.ts'
import { type Portability, portability } from '../passes/saturation.ts'
import { hardware } from '../runtime/hardware.ts'
import { type Optimization, openProcess } from '../runtime/index.ts'
import { type Profile, parseProfile } from '../runtime/profile.ts'
import type { SessionOptions } from '../runtime/session-options.ts'

/** Nodes that missed one kernel for one reason. */
export interface MissedKernel {
  readonly wanted: string
  readonly ran: string
  readonly reason: string
  /** Module paths, or names of weights. */
  readonly at: readonly string[]
  /** Of a profiled run, between 0 and 1. */
  readonly share: number
}

export interface KernelCheck {
  readonly portability: Portability
  readonly missed: readonly MissedKernel[]
}

const GRAPH = 'runtime.onnx'
const PROFILE = 'profile'

/** Session options that leave what `kernelCheck` reads in a folder. */
export const watched = (
  folder: string,
): Pick<SessionOptions, 'profile' | 'optimizedModel' | 'config'> => ({
  profile: join(folder, PROFILE),
  ...writingGraph(folder),
})

const writingGraph = (folder: string): Pick<SessionOptions, 'optimizedModel' | 'config'> => ({
  optimizedModel: join(folder, GRAPH),
  config: {
    // a model file holds no more than 2 GB
    'session.optimized_model_external_initializers_file_name': `${GRAPH}_data`,
    'session.optimized_model_external_initializers_min_size_in_bytes': '65536',
  },
})

/** Reads what a session with the options `watched` left; it must have run and been released. */
export function kernelCheck(folder: string): KernelCheck {
  const graph = readOnnx(join(folder, GRAPH), nodeFiles)
  const name = readdirSync(folder).find((one) => one.startsWith(PROFILE))
  const profile =
    name === undefined ? undefined : parseProfile(readFileSync(join(folder, name), 'utf8'))
  return {
    portability: portability(graph, tensorReader(nodeFiles).read),
    missed: missedOf(graph, profile),
  }
}

/** The graph of a file as ONNX Runtime runs it, written into the folder. */
export async function runtimeGraph(
  file: string,
  folder: string,
  options: { readonly optimization?: Optimization; readonly signal?: AbortSignal | undefined } = {},
): Promise<Graph> {
  const { optimization, signal } = options
  const engine = await openProcess(file, {
    ...writingGraph(folder),
    ...(optimization && { optimization }),
    ...(signal && { signal }),
  })
  await engine.release()
  return readOnnx(join(folder, GRAPH), nodeFiles)
}

/** Misses of a graph by what they are and why, those that take longest first. */
export function missedOf(graph: Graph, profile: Profile | undefined): MissedKernel[] {
  const timeOf = nodeTimes(graph, profile)
  const groups = new Map<string, { found: Miss; at: string[]; share: number }>()
  for (const found of missedKernels(graph, hardware().arch)) {
    const { node, wanted, ran, reason } = found
    const key = [wanted, ran, reason].join()
    const group = groups.get(key) ?? { found, at: [], share: 0 }
    groups.set(key, group)
    group.at.push(placeOf(node, graph))
    group.share += timeOf(node)
  }
  return [...groups.values()]
    .map(({ found: { wanted, ran, reason }, at, share }) => ({ wanted, ran, reason, at, share }))
    .sort((a, b) => b.share - a.share)
}

type Node = Graph['nodes'][number]

/** Module path, else the weight's name, else the output's. */
function placeOf({ origin, inputs, outputs }: Node, { weights }: Graph): string {
  if (origin !== '') return origin
  const weight = inputs.find((value) => value && weights.has(value))
  return weight?.name ?? outputs[0]?.name ?? ''
}

/** Share of a run that a node takes; nodes of one module and operator share alike. */
function nodeTimes(graph: Graph, profile: Profile | undefined): (node: Node) => number {
  const keyOf = (origin: string, op: string) => `${origin}/${op}`
  const times = new Map<string, number>()
  const total = profile?.nodes.reduce((sum, { ms }) => sum + ms, 0) || 1
  for (const { origin, kernel, ms } of profile?.nodes ?? []) {
    const key = keyOf(origin, kernel)
    times.set(key, (times.get(key) ?? 0) + ms / total)
  }
  const counts = new Map<string, number>()
  for (const { origin, op } of graph.nodes) {
    counts.set(keyOf(origin, op), (counts.get(keyOf(origin, op)) ?? 0) + 1)
  }
  return ({ origin, op }) => (times.get(keyOf(origin, op)) ?? 0) / counts.get(keyOf(origin, op))!
}
