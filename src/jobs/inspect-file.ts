/**
 * `inspect` of any ONNX file, taken as it is: its work by operator and layer, its profile under ONNX Runtime's
 * defaults, its memory, and what would help. Sizes come from the shape and the names of its dimensions.
 */
import { basename } from 'node:path'
import { ranked } from '../bench/advice.ts'
import { type BenchShape, formatShape } from '../bench/bench-shape.ts'
import { measureMachine, profileRuns } from '../bench/measure-machine.ts'
import type { Graph } from '../graph/graph.ts'
import { opKey } from '../graph/rewrite.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { readOnnx } from '../onnx/index.ts'
import { graphCost } from '../ops/graph-cost.ts'
import { graphWork } from '../ops/graph-work.ts'
import { byWeight, parameterCount } from '../ops/parameter-count.ts'
import { hardware } from '../runtime/index.ts'
import { bindingsAt as bindingsOf, fileFeeds } from './file-inputs.ts'
import { quantizedOps } from './foreign-facts.ts'
import { adviseOn, type Inspected, parallelShare, productSizes } from './inspect-advice.ts'
import { layerCost, tableCost } from './inspect-facts.ts'
import type { InspectOptions, InspectResult } from './inspect-result.ts'
import { oneShape, otherShapes, PROFILED_RUNS } from './inspect-shapes.ts'
import { type TimedRun, timeRuns } from './inspect-times.ts'
import { inspectVariant } from './inspect-variant.ts'
import { kernelsOf } from './kernel-check.ts'

/** Explains one file. */
export async function inspectFile(
  file: string,
  options: InspectOptions & { readonly threads: number },
): Promise<InspectResult> {
  const { model, threads, dims, signal, progress } = options
  // what somebody else made runs as it does elsewhere
  const optimization = file === model ? 'default' : 'limbeck'
  const graph = readOnnx(file, nodeFiles)
  const shape = oneShape(options.shape ?? '8x128')
  const { half, larger } = otherShapes(shape)
  const bindingsAt = (at: BenchShape) => bindingsOf(graph, at, dims)
  const feeds = (at: BenchShape) => fileFeeds(graph, at, dims)
  feeds(shape)
  const changes = (at: BenchShape) =>
    JSON.stringify(bindingsAt(at)) !== JSON.stringify(bindingsAt(shape))
  const step = progress?.step('Inspecting', 3)
  return withScratchFolder(async (folder) => {
    const bindings = bindingsAt(shape)
    const works = {
      fp32: graphWork(graph, bindings),
      half: graphWork(graph, bindingsAt(half)),
      larger: graphWork(graph, bindingsAt(larger)),
    }
    const run = { folder, threads, signal }
    step?.update(0, "the machine's limits")
    const machine = await measureMachine(productSizes(works), run)
    step?.update(1, 'profiling')
    const profiling = { ...run, optimization, runs: PROFILED_RUNS } as const
    const profile = await profileRuns(file, () => feeds(shape), profiling)
    const kernels =
      quantizedOps(graph).size > 0
        ? await kernelsOf(file, profile, { optimization, signal })
        : undefined
    step?.update(2, 'timing')
    const moreThreads = hardware().allottedCores
    const base = { name: 'fp32', file, shape, threads, optimization } as const
    const runs: TimedRun<keyof Inspected['times']>[] = [base]
    if (changes(half)) runs.push({ ...base, name: 'half', shape: half })
    if (changes(larger)) runs.push({ ...base, name: 'larger', shape: larger })
    if (moreThreads > threads) runs.push({ ...base, name: 'threads', threads: moreThreads })
    const times = await timeRuns(runs, feeds, { signal })
    const { total, unknown } = graphCost(graph, bindings)
    const { total: parameters, byLayer } = parameterCount(graph, byWeight)
    const inspected: Inspected = {
      ...{ macs: total.macs, works, shape, half, larger, threads, moreThreads },
      ...{ profile, machine, times },
    }
    const known = { name: basename(file), bytes: bytesOf(graph, file), ms: times.fp32, passes: [] }
    const variant = { ...known, graph, work: works.fp32, profile, kernels }
    step?.done(`${formatShape(shape)}, ${threads} thread${threads === 1 ? '' : 's'}`)
    return {
      model,
      shape: formatShape(shape),
      threads,
      parameters,
      parametersByLayer: Object.fromEntries(byLayer),
      macs: total.macs,
      flops: total.flops,
      unknownOperators: [...new Set(unknown.map(opKey))],
      machine: { ...machine.roofline, products: machine.products },
      variants: [inspectVariant(variant, bindings, machine.roofline)],
      advice: ranked(adviseOn(inspected)),
      parallelShare: parallelShare(inspected),
      layer: layerCost(profile, times.fp32),
      table: tableCost(graph, parameters),
    }
  })
}

/** The file and what it holds outside itself. */
export function bytesOf({ weights }: Graph, file: string): number {
  const paths = new Set([file])
  for (const { tensor } of weights.values()) {
    if (tensor.source.kind === 'file') paths.add(tensor.source.path)
  }
  return [...paths].reduce((sum, path) => sum + nodeFiles.size(path), 0)
}
