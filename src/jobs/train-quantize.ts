/**
 * Training for few bits (`train --quantize`): layers are marked as `quantize` marks them, round while they learn, and
 * the files that are written round the same way, by the ranges that the run ended with.
 *
 * Q8BERT (Zafrir et al. 2019); ranges of static INT8 begin where calibration on the training data finds them.
 */
import { padBatch } from '../data/pad-batch.ts'
import { LimbeckError } from '../errors.ts'
import { calibrateLayers } from '../fit/calibrate.ts'
import { lengthOf } from '../fit/training-feeds.ts'
import { hostArray } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { materialize } from '../onnx/materialize.ts'
import { runPasses } from '../passes/pass.ts'
import { type Quantization, quantizePasses } from '../passes/quantize.ts'
import type { StaticQuantization } from '../passes/quantize-static.ts'
import type { TrainingReport } from '../report/training-report.ts'
import { formatCount } from '../report/units.ts'
import { rangePorts } from '../train/for-kernels.ts'
import { layerRanges } from '../train/range-state.ts'
import type { TrainingStep } from '../train/training-step.ts'
import { cpuWeightBits, fileNames, type Target } from './export-model.ts'
import {
  type QuantizeScheme,
  quantizeSchemes,
  type SchemeRow,
  type SchemeSettings,
} from './quantize-schemes.ts'
import { readSettings, schemesOfLayers } from './scheme-text.ts'
import type { TrainData } from './train-data.ts'
import type { RunTrainingOptions } from './train-run.ts'
import type { VariantPlan } from './variants.ts'

/** A scheme to train for, with its settings as `quantize` has them. */
export interface TrainedScheme extends SchemeSettings {
  readonly scheme: QuantizeScheme
}

/** Reads `static-int8` or `int4:block=64,symmetric`. @throws LimbeckError `usage` with what is understood. */
export function parseTrainedScheme(text: string): TrainedScheme {
  const refuse = (why: string, hint: string): LimbeckError =>
    new LimbeckError('usage', `--quantize ${text}: ${why}.`, { hint })
  const [, name = text, list] = /^([^:]*)(?::(.*))?$/.exec(text) ?? []
  const scheme = schemesOfLayers.find((known) => known === name)
  if (!scheme) {
    const known = schemesOfLayers.join(', ')
    throw refuse(`${name || 'nothing'} is no scheme to train for`, `Those are ${known}.`)
  }
  return { scheme, ...readSettings(scheme, list, refuse) }
}

type Ranges = StaticQuantization['ranges']

const planFor = (
  { scheme, ...settings }: TrainedScheme,
  target: Target,
  ranges: Ranges,
): Quantization => {
  const row: SchemeRow = quantizeSchemes[scheme]
  const found = { cpuBits: cpuWeightBits(), calibration: { ranges } }
  return row.plan(settings, { target, ...found, exclude: undefined, parts: undefined })
}

/** Texts that ranges begin by. */
const SAMPLES = 128
const BATCH_SIZE = 8

/** The graph with its layers marked as the file for this CPU has them. */
export async function markedForTraining(
  graph: Graph,
  scheme: TrainedScheme,
  { training, feeds }: TrainData,
  {
    threads,
    signal,
    progress,
  }: Pick<RunTrainingOptions, 'signal' | 'progress'> & { threads: number },
): Promise<Graph> {
  const calibrated = async (): Promise<Ranges> => {
    const samples = training.examples
      .slice(0, SAMPLES)
      .toSorted((a, b) => lengthOf(a) - lengthOf(b))
    const step = progress?.step('Calibrating', samples.length)
    const batches = Array.from({ length: Math.ceil(samples.length / BATCH_SIZE) }, (_, i) => {
      const own = samples.slice(i * BATCH_SIZE, (i + 1) * BATCH_SIZE)
      const encodings = own.flatMap(({ texts }) => texts)
      return padBatch(encodings, { padId: feeds.padId, inputs: feeds.inputs })
    })
    try {
      const ranges = await calibrateLayers(graph, batches, { threads, signal })
      step?.done(`${formatCount(samples.length)} examples`)
      return ranges
    } catch (error) {
      step?.fail()
      throw error
    }
  }
  const plan = planFor(scheme, 'cpu', scheme.scheme === 'static-int8' ? await calibrated() : {})
  return runPasses(graph, quantizePasses(plan, 'before')).graph
}

/** Bits of a plan's integer weights, by which files for one target or the other may differ. */
const bitsOf = (plan: Quantization): number | undefined =>
  'weightBits' in plan ? plan.weightBits : undefined

/** What a report says of the files. */
export const roundedReport = (
  { scheme }: TrainedScheme,
  plans: readonly VariantPlan[],
): NonNullable<TrainingReport['rounded']> => ({
  scheme: quantizeSchemes[scheme].title,
  files: plans.map(({ file }) => file),
})

/**
 * The files that round as the run did: of INT8 with 8-bit weights none for any CPU, where sums could saturate.
 * @param learned what it kept: weights, and ranges of activations.
 */
export function trainedPlans(
  scheme: TrainedScheme,
  { ranges: rows }: TrainingStep,
  learned: ReadonlyMap<string, Tensor>,
): VariantPlan[] {
  const kept = learned.get(rangePorts.ranges)
  const ends = kept && hostArray(kept.dtype, materialize(kept, nodeFiles))
  const ranges = ends ? layerRanges(rows, ends as Float32Array) : {}
  const { title, suffix } = quantizeSchemes[scheme.scheme]
  const targets = { portable: `trained ${title} portable`, cpu: `trained ${title}` } as const
  const bits = bitsOf(planFor(scheme, 'cpu', ranges))
  return (['portable', 'cpu'] as const).flatMap((target): VariantPlan[] => {
    const quantize = planFor(scheme, target, ranges)
    const file = `onnx/${fileNames[target]}_${suffix}.onnx`
    return bitsOf(quantize) === bits
      ? [{ name: targets[target], file, lowering: target, quantize }]
      : []
  })
}
