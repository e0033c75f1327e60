/**
 * What becomes of a quantized file when ONNX Runtime loads it: the operators that missed the kernel they were meant
 * for, with their share of a profiled run, and whether its products are exact on other CPUs.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { type Miss, missedKernels } from '../passes/missed-kernels.ts'
import { portability } from '../passes/saturation.ts'
import type { KernelReport, MissedKernel } from '../report/kernel-report.ts'
import { hardware } from '../runtime/hardware.ts'
import type { SessionOptions } from '../runtime/index.ts'
import { type Profile, parseProfile } from '../runtime/profile.ts'
import {
  type RuntimeGraphOptions,
  runtimeGraph,
  writingGraph,
  writtenGraph,
} from './runtime-graph.ts'

const PROFILE = 'profile'

/** Options of a session that leaves in a folder what `checkedKernels` reads. */
export const watched = (
  folder: string,
): Pick<SessionOptions, 'profile' | 'optimizedModel' | 'config'> => ({
  profile: join(folder, PROFILE),
  ...writingGraph(folder),
})

/** Reads what such a session left, once it has run and been released. */
export const checkedKernels = (folder: string): KernelReport | undefined =>
  whereReadable(() => {
    const name = readdirSync(folder).find((one) => one.startsWith(PROFILE))
    const text = name === undefined ? undefined : readFileSync(join(folder, name), 'utf8')
    return kernelReport(writtenGraph(folder), text === undefined ? undefined : parseProfile(text))
  })

/** The same of a file that has been profiled already. */
export const kernelsOf = (
  file: string,
  profile: Profile,
  options: RuntimeGraphOptions,
): Promise<KernelReport | undefined> =>
  withScratchFolder(async (folder) => {
    const graph = await runtimeGraph(file, folder, options)
    return whereReadable(() => kernelReport(graph, profile))
  })

/** What cannot be read of a graph that ONNX Runtime wrote is no fault of the file's. */
function whereReadable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof LimbeckError) return undefined
    throw error
  }
}

/** What a graph that runs has come to. */
const kernelReport = (graph: Graph, profile: Profile | undefined): KernelReport => ({
  portability: portability(graph, tensorReader(nodeFiles).read),
  missed: missedOf(graph, profile),
})

/** Misses by what they are and why, those that take longest first. */
function missedOf(graph: Graph, profile: Profile | undefined): MissedKernel[] {
  const timeOf = nodeTimes(graph, profile)
  const groups = new Map<string, { found: Miss; nodes: number; at: Set<string>; share: number }>()
  for (const found of missedKernels(graph, hardware().arch)) {
    const { node, wanted, ran, reason } = found
    const key = [wanted, ran, reason].join()
    const group = groups.get(key) ?? { found, nodes: 0, at: new Set(), share: 0 }
    groups.set(key, group)
    group.nodes++
    group.at.add(placeOf(node, graph))
    group.share += timeOf(node)
  }
  return [...groups.values()]
    .map(({ found: { wanted, ran, reason }, at, ...rest }) => ({
      ...{ wanted, ran, reason, at: [...at] },
      ...rest,
    }))
    .sort((a, b) => b.share - a.share)
}

/** Module path, else the weight's name, else the output's. */
function placeOf({ origin, inputs, outputs }: Node, { weights }: Graph): string {
  // a fused activation puts a word before the name
  if (origin !== '') return origin.replace(/^fused /, '')
  const weight = inputs.find((value) => value && weights.has(value))
  return weight?.name ?? outputs[0]?.name ?? ''
}

/** Share of a run that a node takes; nodes of one module and operator share alike. */
function nodeTimes(graph: Graph, profile: Profile | undefined): (node: Node) => number {
  const keyOf = (origin: string, op: string) => `${origin.replace(/^fused /, '')}/${op}`
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
