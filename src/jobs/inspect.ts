/**
 * `inspect`: where a model's time and memory go, which of the machine's limits each part meets, and what
 * would help most.
 *
 * The graph says what is computed and moved; ONNX Runtime's profiler says how long it took, in processes of
 * their own; a model of bare products and a copy says what the machine can do. Of a model folder the fp32 and
 * INT8 files for this CPU are looked at; a file is taken as it is (`inspect-file.ts`).
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ranked } from '../bench/advice.ts'
import { type BenchShape, formatShape } from '../bench/bench-shape.ts'
import { measureMachine, profileRuns } from '../bench/measure-machine.ts'
import { tokenFeeds } from '../bench/token-feeds.ts'
import { LimbeckError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { graphCost } from '../ops/graph-cost.ts'
import { graphWork } from '../ops/graph-work.ts'
import { parameterCount } from '../ops/parameter-count.ts'
import { hardware } from '../runtime/index.ts'
import { buildInChild } from './build-in-child.ts'
import { lowerVariant } from './build-variants.ts'
import { cpuWeightBits } from './export-model.ts'
import { findModel } from './find-model.ts'
import { adviseOn, type Inspected, parallelShare, productSizes } from './inspect-advice.ts'
import { layerCost, tableCost } from './inspect-facts.ts'
import { inspectFile } from './inspect-file.ts'
import type { InspectOptions, InspectResult } from './inspect-result.ts'
import { oneShape, otherShapes, PROFILED_RUNS } from './inspect-shapes.ts'
import { type TimedRun, timeRuns } from './inspect-times.ts'
import { type InspectedVariant, inspectVariant } from './inspect-variant.ts'
import { kernelsOf } from './kernel-check.ts'
import { load } from './load.ts'
import { findModelFile } from './model-files.ts'
import { checkThreads } from './model-limits.ts'
import { optimizePlans, sourcePlan, type VariantPlan } from './variants.ts'

/**
 * Explains a model on this machine.
 * @throws LimbeckError as `load` does; `usage` for a shape that the model does not take.
 * @example
 * const { advice } = await inspect({ model: './my-model', shape: '8x128' })
 */
export async function inspect(options: InspectOptions): Promise<InspectResult> {
  const { threads = 1, signal, progress } = options
  checkThreads(threads)
  // a file, or the one that matters of a folder that Limbeck wrote
  const file = isWritten(options.model) ? findModelFile(options.model) : undefined
  if (file) return inspectFile(file, { ...options, threads })
  const { path } = await findModel(options.model, options)
  const model = load(path)
  const shape = shapeOf(options.shape, model.dims.positions)
  const step = progress?.step('Inspecting', 4)
  return withScratchFolder(async (folder) => {
    step?.update(0, 'building fp32 and INT8')
    const plans = plansOf()
    const variants = Object.values(plans)
    const built = await buildInChild({ model: path, folder, variants }, { signal })
    const { read } = tensorReader(nodeFiles)
    const graphOf = (plan: VariantPlan): Graph => lowerVariant(model.graph, plan, read).graph
    const graphs = { fp32: graphOf(plans.fp32), int8: graphOf(plans.int8) }
    const { half, larger } = otherShapes(shape)
    const at = bindingsOf(shape)
    const works = {
      source: graphWork(graphOf(plans.source), at),
      fp32: graphWork(graphs.fp32, at),
      int8: graphWork(graphs.int8, at),
      right: graphWork(graphOf(plans.right), at),
      half: graphWork(graphs.fp32, bindingsOf(half)),
      larger: graphWork(graphs.fp32, bindingsOf(larger)),
    }
    const run = { folder, threads, signal }
    step?.update(1, "the machine's limits")
    const machine = await measureMachine(productSizes(works), run)
    step?.update(2, 'profiling')
    const file = (name: keyof typeof plans) => join(folder, plans[name].file)
    const profile = (name: keyof typeof plans) =>
      profileRuns(file(name), (inputs) => tokenFeeds(shape, inputs), {
        ...run,
        runs: PROFILED_RUNS,
        ...(name === 'source' && { optimization: 'default' }),
      })
    const profiles = { fp32: await profile('fp32'), int8: await profile('int8') }
    const sourceProfile = await profile('source')
    const kernels = {
      fp32: undefined,
      int8: await kernelsOf(file('int8'), profiles.int8, { signal }),
    }
    step?.update(3, 'timing')
    const moreThreads = hardware().allottedCores
    const fp32 = { name: 'fp32', file: file('fp32'), shape, threads } as const
    const runs: TimedRun<keyof Inspected['times']>[] = [
      { ...fp32, name: 'source', file: file('source'), optimization: 'default' },
      fp32,
      { ...fp32, name: 'int8', file: file('int8') },
      { ...fp32, name: 'right', file: file('right') },
      { ...fp32, name: 'half', shape: half },
      { ...fp32, name: 'larger', shape: larger },
    ]
    if (moreThreads > threads) runs.push({ ...fp32, name: 'threads', threads: moreThreads })
    const times = await timeRuns(runs, tokenFeeds, { signal })
    const { total } = graphCost(model.graph, at)
    const { total: parameters, byLayer } = parameterCount(model.graph)
    const inspected: Inspected = {
      ...{ macs: total.macs, works, shape, half, larger, threads, moreThreads },
      ...{ profile: profiles.fp32, sourceProfile, machine, times },
    }
    const show = (name: 'fp32' | 'int8', title: string): InspectedVariant => {
      const { bytes, passes } = built.variants.find((one) => one.name === plans[name].name)!
      const known = { name: title, bytes, passes, ms: times[name] }
      const measured = { graph: graphs[name], work: works[name], profile: profiles[name] }
      const own = { ...known, ...measured, kernels: kernels[name] }
      return inspectVariant(own, at, machine.roofline)
    }
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
      unknownOperators: [],
      machine: { ...machine.roofline, products: machine.products },
      variants: [show('fp32', 'fp32'), show('int8', 'INT8')],
      sourceMs: times.source,
      advice: ranked(adviseOn(inspected)),
      parallelShare: parallelShare(inspected),
      layer: layerCost(profiles.fp32, times.fp32),
      table: tableCost(model.graph, parameters),
    }
  })
}

/** Whether there are ONNX files, and no weights to build them from. */
const isWritten = (model: string): boolean =>
  model.endsWith('.onnx') ||
  (existsSync(join(model, 'onnx')) &&
    !readdirSync(model).some((name) => name.includes('.safetensors')))

/** The shape asked for, or the usual one cut to what the model takes. */
function shapeOf(asked: string | undefined, positions: number): BenchShape {
  const shape = oneShape(asked ?? `8x${Math.min(128, positions)}`)
  if (shape.sequence <= positions) return shape
  throw new LimbeckError('usage', `--shape ${asked}: the model takes at most ${positions} tokens.`)
}

const bindingsOf = ({ batch, sequence }: BenchShape) => ({
  batch_size: batch,
  sequence_length: sequence,
})

function plansOf() {
  const plans = optimizePlans(cpuWeightBits())
  const named = (name: string): VariantPlan => plans.find((plan) => plan.name === name)!
  const fp32 = named('fp32 optimized')
  const right = { ...fp32, name: 'right', file: 'onnx/right.onnx', padding: 'right' } as const
  return { source: sourcePlan, fp32, int8: named('INT8'), right }
}
