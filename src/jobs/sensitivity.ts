/**
 * `sensitivity`: which layers quantization hurts, by what the noise of each does to the answers (an estimate for
 * all of them in one run), then for the worst by what the answers lose when that layer alone is quantized; and
 * which to leave in fp32.
 */
import { LimbeckError } from '../errors.ts'
import { calibrateLayers } from '../fit/calibrate.ts'
import { type LossMeter, withLossMeter } from '../fit/layer-noise.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { notFinite, pathOf, rankLayers } from '../fit/rank-layers.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import { quantizedNodes } from '../passes/expose-noise.ts'
import { runPasses } from '../passes/pass.ts'
import { quantizePasses } from '../passes/quantize.ts'
import type { Progress } from '../report/progress.ts'
import type { LayerSensitivity, MeasuredLoss, SensitivityReport } from '../report/sensitivity.ts'
import { sensitivityPage } from '../report/sensitivity-page.ts'
import { formatCount } from '../report/units.ts'
import { bootstrapInterval } from '../stats/bootstrap.ts'
import { mean } from '../stats/interval.ts'
import { loadAny } from './any-model.ts'
import { codeMethods } from './calibrate-codes.ts'
import type { NamedSizes } from './file-inputs.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { checkFloat } from './foreign-facts.ts'
import type { LayerOverrideOptions } from './layer-overrides.ts'
import { limbeckVersion } from './lineage.ts'
import { checkThreads } from './model-limits.ts'
import { pageFile, writePage } from './page-file.ts'
import { type Finders, planner, readRequest } from './quantization-plan.ts'
import type { QuantizeScheme, SchemeSettings } from './quantize-schemes.ts'
import { sensitivityInputs } from './sensitivity-inputs.ts'

export interface SensitivityOptions extends HubOptions, SchemeSettings {
  /** Model folder, ONNX file of any exporter, or `org/name` of the Hub. */
  readonly model: string
  /** Texts like those that the model is for (128 unless `limit` says otherwise); needed but for a file alone. */
  readonly data?: DataOptions | undefined
  /** One that marks layers: dynamic-int8 (default), static-int8, int8-weights, int4. */
  readonly scheme?: QuantizeScheme | undefined
  /** Layers that stay fp32 anyway. */
  readonly exclude?: readonly string[] | undefined
  /** Layers of other schemes, as `quantize` takes them. */
  readonly overrides?: readonly (string | LayerOverrideOptions)[] | undefined
  /** Layers to measure exactly; default 10. */
  readonly worst?: number | undefined
  readonly maxLength?: number | undefined
  /** Of an ONNX file alone: sizes of dimensions that a shape does not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Of an ONNX file that is quantized or in half floats: make it float32 first. */
  readonly dequantize?: boolean | undefined
  readonly threads?: number | undefined
  /** Page to write, with heat maps: a file that ends with `.html`. */
  readonly output?: string | undefined
  /** The command as typed, for the page. */
  readonly command?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface SensitivityResult extends SensitivityReport {
  /** Absolute path of the page, where one was asked for. */
  readonly page?: string | undefined
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
  const start = performance.now()
  const { model, data, output, command } = options
  const page = output === undefined ? undefined : pageFile(output)
  const found = await measureSensitivity(options)
  if (page !== undefined) {
    const createdAt = new Date().toISOString()
    const facts = { model, data: data?.file, createdAt, limbeck: limbeckVersion, command }
    writePage(sensitivityPage(found, facts), page)
  }
  return { ...found, page, seconds: (performance.now() - start) / 1000 }
}

async function measureSensitivity(options: SensitivityOptions): Promise<SensitivityReport> {
  const { data, scheme = 'dynamic-int8', worst = WORST, signal, progress, threads } = options
  const request = readRequest({ ...options, scheme })
  if (!request.marksLayers) {
    throw new LimbeckError('usage', `--scheme ${scheme} cannot be ranked layer by layer.`, {
      hint: 'It makes the whole file of half floats; take dynamic-int8, static-int8, int8-weights or int4.',
    })
  }
  checkThreads(threads)
  const { path } = await findModel(options.model, options)
  const model = loadAny(path, options)
  checkFloat(model)
  const inputs = await sensitivityInputs(model, { data, samples: SAMPLES, ...options })
  const { batches, samples } = inputs
  const read = tensorReader(nodeFiles).read
  const run = { signal, threads }
  const finders: Finders = {
    calibration: async () => ({
      ranges: await calibrateLayers(model.graph, batches, { ...run, method: options.calibrate }),
    }),
    codes: (how, method) => codeMethods[method](model.graph, batches, { ...run, how, read }),
  }
  const finding = request.ranges || request.finds ? progress?.step('Calibrating') : undefined
  const planOf = await failing(finding, () => planner({ ...options, scheme }, request, finders))
  finding?.done(`${formatCount(samples)} texts`)
  const graph = runPasses(model.graph, quantizePasses(planOf('cpu'), 'before')).graph
  if (quantizedNodes(graph).length === 0) {
    throw new LimbeckError('input', `${options.model}: no layer would be quantized.`, {
      hint: 'Exclude fewer layers; weights below 4096 elements stay fp32 in any case.',
    })
  }

  const step = progress?.step('Measuring noise', batches.length)
  const ranked = await failing(step, () =>
    rankLayers(graph, batches, samples, read, { ...run, onBatch: (done) => step?.update(done) }),
  )
  step?.done(`${formatCount(ranked.length)} layers over ${formatCount(samples)} texts`)

  const suspects = ranked.slice(0, worst)
  const exactly = progress?.step('Measuring answers', suspects.length + 1)
  return failing(exactly, () =>
    withLossMeter(graph, batches, read, run, async (meter) => {
      const all = await lossWhere(meter, () => true, 'all layers')
      const measured: LayerSensitivity[] = []
      for (const layer of suspects) {
        signal?.throwIfAborted()
        exactly?.update(measured.length + 1, layer.path)
        const isIt = (node: Node) => pathOf(node, graph) === layer.path
        measured.push({ ...layer, loss: await lossWhere(meter, isIt, layer.path) })
      }
      measured.sort((a, b) => b.loss!.mean - a.loss!.mean)
      const advice = await advise(meter, graph, measured, all)
      exactly?.done(`the ${formatCount(measured.length)} worst layers`)
      return {
        scheme,
        layers: [...measured, ...ranked.slice(worst)],
        loss: meter.loss,
        ...{ all, advice, samples, tokens: inputs.tokens, madeUp: inputs.madeUp },
      }
    }),
  )
}

/** Lets a step of the progress fail with its work. */
async function failing<T>(step: { fail(): void } | undefined, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    step?.fail()
    throw error
  }
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

/** The fewest of the worst layers without which at most half of the loss is left; searched by halving. */
async function advise(
  meter: LossMeter,
  graph: Graph,
  worst: readonly LayerSensitivity[],
  all: MeasuredLoss,
): Promise<SensitivityReport['advice']> {
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
