/**
 * The middle of the main job: variants of a model written into a folder, each verified against its source,
 * measured beside it and judged, with the report of it all. `optimize`, `train` and `distill` end with it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchShape } from '../bench/bench-shape.ts'
import { LIMBECK_FILE } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import type { BareFile } from './any-model.ts'
import { assembleReport } from './assemble-report.ts'
import { buildWithSource } from './build-with-source.ts'
import { BATCH_SIZE } from './evaluate.ts'
import { cpuWeightBits } from './export-model.ts'
import { roundingOf } from './foreign-facts.ts'
import { writeLineage } from './lineage.ts'
import type { LoadedModel } from './load.ts'
import { measureLatency } from './measure-variants.ts'
import { checkThreads, shapesOf } from './model-limits.ts'
import type { OptimizeOptions } from './optimize.ts'
import { bareRoad, textRoad } from './optimize-roads.ts'
import { simulatedSaturates } from './simulate.ts'
import { optimizePlans } from './variants.ts'
import { verifyVariants } from './verify.ts'
import { writeReportFiles } from './write-report.ts'

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
