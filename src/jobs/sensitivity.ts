/**
 * `sensitivity`: which layers quantization hurts, by the noise of each alone (a cheap proxy), then for the
 * noisiest by what the answers lose when that layer alone is quantized; and which to leave in fp32.
 */
import { LimbeckError } from '../errors.ts'
import { calibrationBatches } from '../fit/calibration-batches.ts'
import { type LayerNoise, type LossMeter, layerNoise, withLossMeter } from '../fit/layer-noise.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import type { LossName } from '../fit/output-loss.ts'
import { elementCount } from '../graph/data-type.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { runPasses } from '../passes/pass.ts'
import { quantizePasses } from '../passes/quantize.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { bootstrapInterval } from '../stats/bootstrap.ts'
import { signalToNoise } from '../stats/divergence.ts'
import { type Interval, mean } from '../stats/interval.ts'
import { cpuWeightBits } from './export-model.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { load, tokenizerOf } from './load.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { type QuantizeScheme, schemeRow } from './quantize-schemes.ts'
import { requireFile } from './require-file.ts'

export interface SensitivityOptions extends HubOptions {
  /** Model folder, or `org/name` of the Hub. */
  readonly model: string
  /** Texts like those that the model is for (128 unless `limit` says otherwise); labels are not looked at. */
  readonly data: DataOptions
  /** One that marks layers: dynamic-int8 (default), int8-weights, int4. */
  readonly scheme?: QuantizeScheme | undefined
  /** Range of the weights; default what `quantize` takes on this CPU. */
  readonly weightBits?: 7 | 8 | undefined
  /** Dynamic INT8 with a range for each token. */
  readonly perToken?: boolean | undefined
  /** Layers that stay fp32 anyway. */
  readonly exclude?: readonly string[] | undefined
  /** Layers to measure exactly; default 10. */
  readonly worst?: number | undefined
  readonly maxLength?: number | undefined
  readonly threads?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** A loss of the answers against fp32: the mean of the texts. */
export interface MeasuredLoss {
  readonly mean: number
  readonly interval: Interval
}

export interface LayerSensitivity {
  /** Module path, as `--exclude` takes it. */
  readonly path: string
  readonly kind: 'linear' | 'table'
  /** Decibels of the layer's output over what quantization alone adds to it; null without any noise. */
  readonly sqnr: number | null
  /** Loss of the answers when this layer alone is quantized; absent where it was not measured. */
  readonly loss?: MeasuredLoss | undefined
  /** What leaving it in fp32 adds to the file. */
  readonly bytes: number
}

export interface SensitivityResult {
  /** Most sensitive first: by loss where measured, then by noise. */
  readonly layers: readonly LayerSensitivity[]
  /** What the losses are: divergence of classes in nats, 1 − cosine of vectors, squared difference of a score. */
  readonly loss: LossName
  /** All layers quantized. */
  readonly all: MeasuredLoss
  /** The fewest layers that halve the loss when left in fp32; absent where the measured ones do not. */
  readonly advice?: { readonly exclude: readonly string[]; readonly loss: MeasuredLoss } | undefined
  readonly samples: number
  readonly tokens: number
  readonly seconds: number
}

const SAMPLES = 128
const WORST = 10

/**
 * Ranks layers by what quantization does to them. @throws LimbeckError naming file, line, layer or option.
 * @example
 * const { layers, advice } = await sensitivity({ model: './my-model', data: { file: 'dev.tsv' } })
 * console.log(layers[0].path, advice?.exclude)
 */
export async function sensitivity(options: SensitivityOptions): Promise<SensitivityResult> {
  const { data, scheme = 'dynamic-int8', worst = WORST, signal, progress, threads } = options
  const start = performance.now()
  const { exclude, weightBits, perToken } = options
  const settings = { weightBits, perToken }
  const context = { target: 'cpu', cpuBits: cpuWeightBits(), exclude, parts: undefined } as const
  const annotating = quantizePasses(schemeRow(scheme, settings).plan(settings, context), 'before')
  if (annotating.length === 0 || scheme === 'static-int8') {
    throw new LimbeckError('usage', `--scheme ${scheme} cannot be ranked layer by layer.`, {
      hint: 'Take dynamic-int8, int8-weights or int4: no ranges are needed, and layers can be left out.',
    })
  }
  checkThreads(threads)
  requireFile(data.file)
  const { path } = await findModel(options.model, options)
  const model = load(path)
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, options.maxLength)
  const graph = runPasses(model.graph, annotating).graph
  const text = await calibrationBatches(data, model, tokenizer, maxLength, data.limit ?? SAMPLES)
  const read = tensorReader(nodeFiles).read
  const run = { signal, threads }

  const step = progress?.step('Measuring noise', text.batches.length)
  const noise = await layerNoise(graph, text.batches, read, {
    ...run,
    onBatch: (done) => step?.update(done),
  }).catch((error: unknown) => {
    step?.fail()
    throw error
  })
  const ranked = ranking(noise, graph)
  if (ranked.length === 0) {
    throw new LimbeckError('input', `${options.model}: no layer would be quantized.`, {
      hint: 'Exclude fewer layers; weights below 4096 elements stay fp32 in any case.',
    })
  }
  step?.done(`${formatCount(ranked.length)} layers over ${formatCount(text.samples)} texts`)

  const suspects = ranked.slice(0, worst)
  const exactly = progress?.step('Measuring answers', suspects.length + 1)
  try {
    return await withLossMeter(graph, text.batches, read, run, async (meter) => {
      const all = await lossWhere(meter, () => true, 'all layers')
      const measured: LayerSensitivity[] = []
      for (const layer of suspects) {
        signal?.throwIfAborted()
        exactly?.update(measured.length + 1, layer.path)
        const loss = await lossWhere(
          meter,
          (node) => pathOf(node, graph) === layer.path,
          layer.path,
        )
        measured.push({ ...layer, loss })
      }
      measured.sort((a, b) => b.loss!.mean - a.loss!.mean)
      const advice = await advise(meter, graph, measured, all)
      exactly?.done(`the ${formatCount(measured.length)} noisiest layers`)
      return {
        layers: [...measured, ...ranked.slice(worst)],
        loss: meter.loss,
        all,
        advice,
        samples: text.samples,
        tokens: text.tokens,
        seconds: (performance.now() - start) / 1000,
      }
    })
  } catch (error) {
    exactly?.fail()
    throw error
  }
}

/** What `--exclude` knows a node by. */
function pathOf({ origin, inputs }: Node, graph: Graph): string {
  if (origin !== '') return origin
  const weight = inputs.map((value) => value && graph.weights.get(value)).find((each) => each)
  return weight?.parameter?.name ?? inputs[1]?.name ?? ''
}

/** Layers by their noise, those of one path together. */
function ranking(noise: readonly LayerNoise[], graph: Graph): LayerSensitivity[] {
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0], node]))
  const byPath = new Map<string, LayerNoise[]>()
  for (const each of noise) {
    const path = pathOf(each.node, graph)
    byPath.set(path, [...(byPath.get(path) ?? []), each])
  }
  const layers = [...byPath].map(([path, parts]) => {
    const kind = parts[0]!.node.op === 'Gather' ? ('table' as const) : ('linear' as const)
    const stored = parts.map(({ node: { op, inputs } }) =>
      op === 'Gather' ? inputs[0] : producers.get(inputs[1])?.inputs[0],
    )
    // a weight that layers share is stored once
    const note = parts[0]!.node.quantization!
    const spared = 4 - (note.scheme === 'blocks' ? note.weightBits : 8) / 8
    const bytes = [...new Set(stored)]
      .map((value) => (value && graph.weights.get(value)?.tensor.shape) ?? [])
      .reduce((total, shape) => total + elementCount(shape) * spared, 0)
    const sum = (of: 'signal' | 'noise') => parts.reduce((total, part) => total + part[of], 0)
    const decibels = signalToNoise(sum('signal'), sum('noise'))
    if (Number.isNaN(decibels)) throw notFinite(path)
    return { path, kind, decibels, bytes }
  })
  return layers
    .sort((a, b) => a.decibels - b.decibels)
    .map(({ decibels, path, kind, bytes }) => ({
      path,
      kind,
      sqnr: Number.isFinite(decibels) ? decibels : null,
      bytes,
    }))
}

async function lossWhere(
  meter: LossMeter,
  keep: (node: Node) => boolean,
  name: string,
): Promise<MeasuredLoss> {
  const losses = await meter.measure(keep)
  if (!losses.every(Number.isFinite)) throw notFinite(name)
  // few texts bear most of a loss, which is never negative: no interval around a mean by its deviation
  const weighted = (counts: Float64Array): number =>
    losses.reduce((sum, loss, i) => sum + loss * counts[i]!, 0) / losses.length
  return { mean: mean(losses), interval: bootstrapInterval(losses.length, weighted) }
}

const notFinite = (name: string): LimbeckError =>
  new LimbeckError('input', `${name}: quantized or not, it gives values that are not finite.`, {
    hint: 'Try the model itself with limbeck run.',
  })

/** The fewest of the worst layers without which at most half of the loss is left; searched by halving. */
async function advise(
  meter: LossMeter,
  graph: Graph,
  worst: readonly LayerSensitivity[],
  all: MeasuredLoss,
): Promise<SensitivityResult['advice']> {
  const without = async (count: number) => {
    const exclude = worst.slice(0, count).map(({ path }) => path)
    const spared = new Set(exclude)
    const loss = await lossWhere(meter, (node) => !spared.has(pathOf(node, graph)), 'the rest')
    return { exclude, loss }
  }
  if (all.mean === 0) return undefined
  let [low, high] = [1, worst.length]
  let best = await without(high)
  if (best.loss.mean > all.mean / 2) return undefined
  while (low < high) {
    const middle = (low + high) >> 1
    const tried = await without(middle)
    if (tried.loss.mean <= all.mean / 2) {
      best = tried
      high = middle
    } else low = middle + 1
  }
  return best
}
