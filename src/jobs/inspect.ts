/**
 * `inspect`: where a model's time and memory go, which of the machine's limits each part meets, and what
 * would help most.
 *
 * The graph says what is computed and moved; ONNX Runtime's profiler says how long it took, in processes of
 * their own, on the fp32 and INT8 files for this CPU; a model of bare products and a copy says what the
 * machine can do.
 */
import { join } from 'node:path'
import { type Advice, ranked } from '../bench/advice.ts'
import { type BenchShape, formatShape, parseShapes } from '../bench/bench-shape.ts'
import { measureMachine, type ProductTime, profileRuns } from '../bench/measure-machine.ts'
import type { Roofline } from '../bench/roofline.ts'
import { tokenFeeds } from '../bench/token-feeds.ts'
import { LimbeckError } from '../errors.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Task } from '../models/family.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { graphCost } from '../ops/graph-cost.ts'
import { graphWork, type NodeWork } from '../ops/graph-work.ts'
import { parameterCount } from '../ops/parameter-count.ts'
import { type PlannedMemory, plannedMemory } from '../ops/planned-memory.ts'
import { type PassRecord, runPasses } from '../passes/pass.ts'
import { pipeline } from '../passes/pipelines.ts'
import type { Progress } from '../report/progress.ts'
import { hardware } from '../runtime/index.ts'
import type { Profile } from '../runtime/profile.ts'
import { buildInChild } from './build-in-child.ts'
import { adviseOn } from './inspect-advice.ts'
import { type InspectedPart, inspectParts } from './inspect-parts.ts'
import { type InspectTimes, timeVariants } from './inspect-times.ts'
import { load } from './load.ts'
import { checkThreads } from './model-limits.ts'
import { optimizePlans, type VariantPlan } from './variants.ts'

export interface InspectOptions {
  /** Model folder with safetensors. */
  readonly model: string
  /** Texts x tokens; default 8x128, cut to what the model takes. */
  readonly shape?: string | undefined
  /** Default 1. */
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Peak memory of the activations of one run; bytes. */
export interface ActivationMemory {
  readonly planned: number
  /** Module path and operator that runs at the planned peak. */
  readonly at: string | undefined
  /** What the outputs of nodes really took at most. */
  readonly measured: number | undefined
  /** The same with what kernels take for themselves and what the allocator rounds up. */
  readonly withKernels: number | undefined
}

/** One of the two files; times in milliseconds. */
export interface InspectedVariant {
  readonly name: string
  readonly bytes: number
  /** Median run, measured without the profiler. */
  readonly ms: number
  /** Of a profiled run, between and around its nodes. */
  readonly overheadMs: number
  readonly operators: readonly InspectedPart[]
  readonly layers: readonly InspectedPart[]
  readonly memory: ActivationMemory
  /** What passes did on the way to the file. */
  readonly passes: readonly PassRecord[]
}

export interface InspectResult {
  readonly model: string
  readonly family: string
  readonly task: Task
  readonly shape: string
  readonly threads: number
  readonly parameters: number
  readonly parametersByLayer: Readonly<Record<string, number>>
  /** Of the model as it is defined, before any pass. */
  readonly macs: number
  readonly flops: number
  readonly machine: Roofline & { readonly products: readonly ProductTime[] }
  /** fp32, then INT8. */
  readonly variants: readonly [InspectedVariant, InspectedVariant]
  /** What would help, the largest saving first; then what the fp32 file already has. */
  readonly advice: readonly Advice[]
}

const PROFILED_RUNS = 12
const names = ['fp32 optimized', 'INT8'] as const

/**
 * Explains a model on this machine.
 * @throws LimbeckError as `load` does; `usage` for a shape that the model does not take.
 * @example
 * const { advice } = await inspect({ model: './my-model', shape: '8x128' })
 */
export async function inspect(options: InspectOptions): Promise<InspectResult> {
  const { threads = 1, signal, progress } = options
  checkThreads(threads)
  const model = load(options.model)
  const shape = shapeOf(options.shape, model.dims.positions)
  const bindings = bindingsOf(shape)
  const plans = names.map((name) => planNamed(name)) as [VariantPlan, VariantPlan]
  const step = progress?.step('Inspecting', 4)
  return withScratchFolder(async (folder) => {
    step?.update(0, 'building fp32 and INT8')
    const built = await buildInChild({ model: options.model, folder, variants: plans }, { signal })
    const graphs = plans.map((plan) => lowered(model.graph, plan))
    const works = graphs.map((graph) => graphWork(graph, bindings)) as [NodeWork[], NodeWork[]]
    const run = { folder, threads, ...(signal && { signal }) }
    step?.update(1, "the machine's limits")
    const machine = await measureMachine(sizesOf(works[1]), run)
    step?.update(2, 'profiling')
    const files = plans.map(({ file }) => join(folder, file)) as [string, string]
    const profiles: Profile[] = []
    for (const file of files) {
      const feeds = (inputs: Parameters<typeof tokenFeeds>[1]) => tokenFeeds(shape, inputs)
      profiles.push(await profileRuns(file, feeds, { ...run, runs: PROFILED_RUNS }))
    }
    step?.update(3, 'timing')
    const times = await timeVariants(files, shape, run)
    const { roofline, products } = machine
    const variants = plans.map((_, i) => ({
      name: i === 0 ? 'fp32' : 'INT8',
      bytes: built.variants[i]!.bytes,
      ms: timeOf(times, i),
      overheadMs: overheadOf(profiles[i]!),
      operators: inspectParts('operator', works[i]!, profiles[i]!, roofline),
      layers: inspectParts('layer', works[i]!, profiles[i]!, roofline),
      memory: memoryOf(plannedMemory(graphs[i]!, bindings), profiles[i]!),
      passes: built.variants[i]!.passes,
    })) as unknown as [InspectedVariant, InspectedVariant]
    const { total } = graphCost(model.graph, bindings)
    const { total: parameters, byLayer } = parameterCount(model.graph)
    const half = halved(shape)
    const advice = adviseOn({
      macs: total.macs,
      works,
      halfWork: graphWork(graphs[0]!, bindingsOf(half)),
      half,
      profile: profiles[0]!,
      machine,
      times,
    })
    step?.done(`${formatShape(shape)}, ${threads} thread${threads === 1 ? '' : 's'}`)
    return {
      model: options.model,
      family: model.family.type,
      task: model.task,
      shape: formatShape(shape),
      threads,
      parameters,
      parametersByLayer: Object.fromEntries(byLayer),
      macs: total.macs,
      flops: total.flops,
      machine: { ...roofline, products },
      variants,
      advice: ranked(advice),
    }
  })
}

/** The shape asked for, or the usual one cut to what the model takes. */
function shapeOf(asked: string | undefined, positions: number): BenchShape {
  const [shape, ...more] = parseShapes(asked ?? `8x${Math.min(128, positions)}`)
  if (shape && more.length === 0 && shape.sequence <= positions) return shape
  throw new LimbeckError(
    'usage',
    more.length > 0
      ? `--shape ${asked}: expected one shape.`
      : `--shape ${asked}: the model takes at most ${positions} tokens.`,
  )
}

const bindingsOf = ({ batch, sequence }: BenchShape) => ({
  batch_size: batch,
  sequence_length: sequence,
})

const halved = ({ batch, sequence }: BenchShape): BenchShape => ({
  batch,
  sequence: Math.max(1, sequence >> 1),
})

function planNamed(name: string): VariantPlan {
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  return plans.find((plan) => plan.name === name)!
}

const lowered = (graph: Parameters<typeof runPasses>[0], plan: VariantPlan) => {
  const { read } = tensorReader(nodeFiles)
  return runPasses(graph, pipeline({ lowering: plan.lowering, quantize: plan.quantize, read }))
    .graph
}

/** Sizes of the INT8 products, each once. */
function sizesOf(work: readonly NodeWork[]) {
  const sizes = work.flatMap(({ int8Macs, product }) => (int8Macs > 0 && product ? [product] : []))
  return [...new Map(sizes.map((size) => [size.join('x'), size])).values()]
}

const timeOf = (times: InspectTimes, index: number): number =>
  index === 0 ? times.fp32Ms : times.int8Ms

const overheadOf = ({ runMs, nodes }: Profile): number =>
  Math.max(0, runMs - nodes.reduce((sum, { ms }) => sum + ms, 0))

const memoryOf = ({ peakBytes, at }: PlannedMemory, profile: Profile): ActivationMemory => ({
  planned: peakBytes,
  at: at && [at.origin, at.op].filter(Boolean).join('/'),
  measured: profile.activationBytes,
  withKernels: profile.arenaBytes,
})
