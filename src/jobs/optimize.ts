/**
 * `optimize`: the main job. One model folder in; a folder with smaller, faster variants out, each
 * verified against its source, measured beside it, and judged by the acceptance contract.
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BenchShape } from '../bench/bench-shape.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { checkTarget, LIMBECK_FILE, writeFolder } from '../hub/write-folder.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import { type BareFile, loadAny } from './any-model.ts'
import { assembleReport } from './assemble-report.ts'
import { buildWithSource } from './build-with-source.ts'
import { BATCH_SIZE } from './evaluate.ts'
import { cpuWeightBits } from './export-model.ts'
import type { NamedSizes } from './file-inputs.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { roundingOf } from './foreign-facts.ts'
import { writeLineage } from './lineage.ts'
import type { LoadedModel } from './load.ts'
import type { Reading } from './logical-graph.ts'
import { measureLatency } from './measure-variants.ts'
import { checkThreads, shapesOf } from './model-limits.ts'
import { bareRoad, textRoad } from './optimize-roads.ts'
import { simulatedSaturates } from './simulate.ts'
import { optimizePlans } from './variants.ts'
import { verifyVariants } from './verify.ts'
import { writeReportFiles } from './write-report.ts'

export interface OptimizeOptions extends HubOptions, Reading {
  /** Hugging Face or sentence-transformers folder, ONNX file of any exporter, or `org/name` of the Hub. */
  readonly model: string
  /** Labelled data judges accuracy, bare text fidelity; without data random tokens stand in. */
  readonly data?: DataOptions | undefined
  /** Folder to write; default `limbeck-output/<model name>`. */
  readonly output?: string | undefined
  /** Allowed drop of the metric: `1%` of it, or `0.5pt` (points). Default 1%. */
  readonly maxDrop?: string | undefined
  /** Choose only among variants whose drop is proven to be allowed. */
  readonly strict?: boolean | undefined
  /** Threads of latency measurements; default 1. */
  readonly threads?: number | undefined
  /** Such as `1x16,1x128`; the last decides. Default 1x16,1x128. */
  readonly shapes?: string | undefined
  /** Texts that run together when accuracy is taken; dynamic INT8 depends on it. Default 32. */
  readonly batchSize?: number | undefined
  readonly maxLength?: number | undefined
  /** A CPU whose integer products are simulated as well, such as `avx2`: a variant must stand there, too. */
  readonly simulate?: string | undefined
  /** Of an ONNX file alone: sizes of dimensions that shapes do not give, by name. */
  readonly dims?: NamedSizes | undefined
  /** Seconds of latency measurement per shape; default 8. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  readonly overwrite?: boolean | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface OptimizeResult {
  readonly report: Report
  /** Absolute path of the folder written. */
  readonly folder: string
}

/**
 * Optimizes a model folder. Writes `onnx/model.onnx` and `onnx/model_quantized.onnx` (portable),
 * `onnx/model_cpu.onnx` and `onnx/model_cpu_quantized.onnx` (this CPU), tokenizer and configuration,
 * `limbeck.json` and `report.html`.
 * @throws LimbeckError for bad input or cancellation; the output folder is then untouched.
 * @example
 * const { report } = await optimize({
 *   model: './my-model',
 *   data: { file: 'dev.tsv', text: 'sentence', label: 'label' },
 * })
 * console.log(report.chosen, report.chosenWhy)
 */
export async function optimize(options: OptimizeOptions): Promise<OptimizeResult> {
  const { overwrite } = options
  const { path } = await findModel(options.model, options)
  const model = loadAny(path, options)
  const settings = settingsOf(options, model)
  const output = resolve(options.output ?? join('limbeck-output', model.folder.name))
  checkTarget(output, { overwrite })
  return writeFolder(output, { overwrite }, async (folder) => ({
    report: await optimizeInto(folder, model, options, settings),
    folder: output,
  }))
}

/** What another job has to tell with the variants. */
export interface OptimizeMore extends Partial<Pick<Report, 'title' | 'training'>> {
  /** For the lineage. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined
}

/** Writes variants of a model into a folder, measures them and reports; the folder's files stay. */
export async function optimizeInto(
  folder: string,
  model: LoadedModel | BareFile,
  options: OptimizeOptions,
  settings: OptimizeSettings,
  { facts, ...more }: OptimizeMore = {},
): Promise<Report> {
  const { signal, progress } = options
  const road = await (model.dims
    ? textRoad(model, options, settings)
    : bareRoad(model, options, settings))
  const stages: { name: string; seconds: number }[] = []
  const stage = async <T>(name: string, body: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const result = await body()
    stages.push({ name, seconds: (performance.now() - start) / 1000 })
    return result
  }
  const text = await stage('read data', road.text)
  const { quantized, half } = roundingOf(model.graph)
  const known = quantized || half
  const plans = optimizePlans(cpuWeightBits()).filter(({ quantize }) => !known || !quantize)
  const { variants, floats } = await stage('write variants', async () => {
    const step = progress?.step('Writing variants', plans.length)
    let begun = 0
    const built = await buildWithSource(model, folder, plans, {
      signal,
      onVariant: (name) => step?.update(begun++, name),
    })
    step?.done(`${built.variants.length} files`)
    return built
  })
  const { simulate } = options
  const measured = { folder, variants, signal, progress, simulate }
  const { encodings } = text
  const verified = await stage('verify', () =>
    verifyVariants(model, folder, variants, { signal, progress, floats, encodings }),
  )
  const quality = await stage('measure accuracy', () => road.quality(measured, text))
  const rows = await stage('measure latency', () => measureLatency(measured, settings, road.feeds))
  rmSync(join(folder, 'source'), { recursive: true, force: true })
  road.companions(folder)
  const { notes } = road
  const made = { text, variants, verified, quality, rows, stages, notes }
  const assembled = await assembleReport({ options, settings, model: road.model, ...made })
  const report = { ...assembled, ...more }
  await writeReportFiles(report, folder, ['html', 'markdown'])
  await writeLineage(join(folder, LIMBECK_FILE), model, {
    ...(model.dequantize && { dequantized: true }),
    ...facts,
    chosen: report.chosen,
    report,
  })
  return report
}

/** Settings with their defaults. */
export interface OptimizeSettings {
  readonly maxDrop: string
  readonly strict: boolean
  readonly threads: number
  readonly shapes: readonly BenchShape[]
  readonly batchSize: number
  readonly seconds: number
  readonly seed: number
}

export function settingsOf(
  options: Omit<OptimizeOptions, 'model'>,
  model: LoadedModel | BareFile,
): OptimizeSettings {
  const maxDrop = options.maxDrop ?? '1%'
  parseMaxDrop(maxDrop)
  checkThreads(options.threads)
  if (options.simulate !== undefined) simulatedSaturates(options.simulate)
  return {
    maxDrop,
    strict: options.strict ?? false,
    threads: options.threads ?? 1,
    shapes: shapesOf(model.dims ? model : undefined, options.shapes, '1x16,1x128'),
    batchSize: options.batchSize ?? BATCH_SIZE,
    seconds: options.seconds ?? 8,
    seed: options.seed ?? 1,
  }
}
