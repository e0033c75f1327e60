/**
 * `calibrate`: what static quantization has to know of a model beforehand, found from some texts of a data file.
 *
 * The model runs in a process of its own. What is found is plain JSON, kept by the content it was found from
 * (weights, data, settings), so that the second time is for free.
 */
import { LimbeckError } from '../errors.ts'
import { CALIBRATION_METHOD, calibrateLayers } from '../fit/calibrate.ts'
import { calibrationBatches } from '../fit/calibration-batches.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { searchSmoothing } from '../fit/smooth-search.ts'
import type { WeightBits } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { resultCache } from '../hub/result-cache.ts'
import { tensorReader } from '../onnx/materialize.ts'
import type { LayerRanges } from '../passes/quantize-static.ts'
import { type Smoothing, smoothLayers } from '../passes/smooth.ts'
import type { Progress } from '../report/progress.ts'
import { formatCount } from '../report/units.ts'
import { type CalibrationMethod, calibrators } from '../stats/calibrators.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { limbeckVersion, sha256 } from './lineage.ts'
import { type LoadedModel, load, tokenizerOf } from './load.ts'
import type { Reading } from './logical-graph.ts'
import { checkThreads, maxLengthOf } from './model-limits.ts'
import { requireFile } from './require-file.ts'

export interface CalibrateJobOptions extends HubOptions, Reading {
  /** Model folder, or `org/name` of the Hub. */
  readonly model: string
  /** Texts like those that the model is for; labels are not looked at. */
  readonly data: DataOptions
  /** Texts to look at; default 128. */
  readonly samples?: number | undefined
  /** Default `percentile`. */
  readonly method?: CalibrationMethod | undefined
  /** Part of the values inside the range, in percent; default 99.999. */
  readonly percentile?: number | undefined
  /** Ranges of the products too, which the form `qoperator` needs. */
  readonly outputs?: boolean | undefined
  /** False finds no ranges: dynamic INT8 wants divisions of inputs alone. */
  readonly ranges?: boolean | undefined
  /** Search divisions of inputs first (SmoothQuant); ranges are then of the divided ones. */
  readonly smooth?: boolean | undefined
  /** Bits of the weights that smoothing is searched for; default 8. */
  readonly weightBits?: WeightBits | undefined
  readonly maxLength?: number | undefined
  readonly threads?: number | undefined
  /** False looks anew, and keeps nothing. */
  readonly cache?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** What calibration found; `ranges` are the settings that the scheme `static-int8` wants. */
export interface Calibration {
  readonly method: CalibrationMethod
  readonly ranges: Readonly<Record<string, LayerRanges>>
  /** For the schemes `static-int8` and `dynamic-int8`; absent where it was not asked for. */
  readonly smooth?: readonly Smoothing[] | undefined
  readonly samples: number
  /** Real tokens of the samples. */
  readonly tokens: number
}

export interface CalibrateResult extends Calibration {
  readonly seconds: number
  /** The file it came from, where it was found before. */
  readonly cached?: string | undefined
}

const SAMPLES = 128

/** Finds ranges. @throws LimbeckError naming file, line, layer or option for bad input. */
export async function calibrate(options: CalibrateJobOptions): Promise<CalibrateResult> {
  const { data, method = CALIBRATION_METHOD, samples = SAMPLES, signal, progress } = options
  const start = performance.now()
  const seconds = (): number => (performance.now() - start) / 1000
  if (!Object.hasOwn(calibrators, method)) {
    const known = Object.keys(calibrators).join(', ')
    throw new LimbeckError('usage', `--calibrate ${method} is not known; known are ${known}.`)
  }
  checkThreads(options.threads)
  requireFile(data.file)
  const { path } = await findModel(options.model, options)
  const model = load(path, options.dequantize ? { dequantize: true } : {})
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, options.maxLength)
  const { percentile, outputs, smooth, weightBits = 8, ranges: wanted = true } = options
  const bits = smooth ? weightBits : undefined
  const settings = {
    ...{ data, method, samples, percentile, outputs },
    ...{ maxLength, smooth, bits, wanted },
  }
  const cache =
    options.cache === false
      ? undefined
      : resultCache('calibration', {
          limbeck: limbeckVersion,
          config: model.folder.config.json,
          weights: await Promise.all(weightFiles(model).map(sha256)),
          data: await sha256(data.file),
          settings: { ...settings, data: { ...data, file: '' } },
        })
  const known = cache?.read() as Calibration | undefined
  if (known?.ranges) return { ...known, seconds: seconds(), cached: cache?.file }
  const text = await calibrationBatches(data, model, tokenizer, maxLength, samples)
  const rounds = wanted ? calibrators[method]({}).rounds : 0
  const { length } = text.batches
  const step = progress?.step('Calibrating', length * (rounds + (smooth ? 1 : 0)))
  const observing = { signal, threads: options.threads }
  try {
    const smoothings = smooth
      ? await searchSmoothing(model.graph, text.batches, {
          ...{ ...observing, weightBits, read: tensorReader(nodeFiles).read },
          onBatch: (done) => step?.update(done, 'smoothing'),
        })
      : undefined
    const graph = smoothings ? smoothLayers(smoothings).apply(model.graph) : model.graph
    const ranges = wanted
      ? await calibrateLayers(graph, text.batches, {
          ...{ method, percentile, outputs, ...observing },
          onBatch: (done) => step?.update(done + (smooth ? length : 0)),
        })
      : {}
    const { samples: seen, tokens } = text
    const found = {
      method,
      ranges,
      samples: seen,
      tokens,
      ...(smoothings && { smooth: smoothings }),
    }
    cache?.write(found)
    step?.done(`${formatCount(text.samples)} texts${wanted ? `, ${method}` : ''}`)
    return { ...found, seconds: seconds() }
  } catch (error) {
    step?.fail()
    throw error
  }
}

/** The files that hold the weights, shards each. */
function weightFiles({ folder, graph }: LoadedModel): string[] {
  const files = new Set([folder.weightsFile])
  for (const { tensor } of graph.weights.values()) {
    if (tensor.source.kind === 'file') files.add(tensor.source.path)
  }
  return [...files].sort()
}
