/**
 * `report`: the full report of a folder that `optimize` wrote. Accuracy, verdicts and the choice are taken
 * from there; threads, lengths, operators, layers and running costs are measured here.
 */
import { basename, resolve } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { type DataOptions, readMeasuredText } from '../fit/measured-text.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import type { ReportDetails } from '../report/report-details.ts'
import { runningCost } from '../report/running-cost.ts'
import type { SensitivityReport } from '../report/sensitivity.ts'
import { type AnyModel, isBare } from './any-model.ts'
import { dataReport, machineReport, qualityReport } from './assemble-report.ts'
import { buildWithSource } from './build-with-source.ts'
import { latencySweep } from './latency-rows.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { layerBytes, type MeasuredFile, profileFiles, timeFiles } from './measure-details.ts'
import { measureQuality } from './measure-variants.ts'
import { maxLengthOf } from './model-limits.ts'
import { readOptimized } from './read-optimized.ts'
import { announce, beforeAndAfter, filesOf, planOf, type ReportPlan } from './report-plan.ts'
import { findSource } from './report-source.ts'
import { reportTarget } from './report-target.ts'
import { requireFile } from './require-file.ts'
import { sensitivity } from './sensitivity.ts'
import { sourcePlan } from './variants.ts'
import type { ReportFormat } from './write-report.ts'

export interface ReportOptions {
  /** Folder that `optimize` wrote. */
  readonly folder: string
  /** The model folder it was made from; default where it was then. */
  readonly source?: string | undefined
  /** Measures accuracy anew on this data; by default it is what `optimize` found. */
  readonly data?: DataOptions | undefined
  /** Ranks the source's layers by what INT8 does to each, on the data. */
  readonly sensitivity?: boolean | undefined
  readonly batchSize?: number | undefined
  readonly maxLength?: number | undefined
  /** Default 1, 2 and 4; those above the cores allotted are marked. */
  readonly threads?: readonly number[] | undefined
  /** Tokens of one text; default 8 to 512 by doubling, as far as the model goes. */
  readonly lengths?: readonly number[] | undefined
  /** Seconds for each row of a measurement; default 4. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  /** Of an hour of the machine. */
  readonly price?: number | undefined
  /** Written before the price; default none. */
  readonly currency?: string | undefined
  /** Watts that the machine takes while it works. */
  readonly power?: number | undefined
  /** File to write; default `report.html`, `report.md` and `report.json` in the folder. */
  readonly output?: string | undefined
  /** Default by the output's ending, or all three. */
  readonly format?: ReportFormat | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

export interface ReportResult {
  readonly report: Report
  /** Absolute paths of the files written. */
  readonly files: readonly string[]
}

/**
 * Measures and writes the full report of a folder.
 * @throws LimbeckError for bad input or cancellation; earlier reports are then untouched.
 * @example
 * const { report, files } = await report({ folder: './out', price: 0.1, currency: '€', power: 45 })
 */
export async function report(options: ReportOptions): Promise<ReportResult> {
  const { folder, signal, progress } = options
  const target = reportTarget(folder, options)
  const optimized = readOptimized(folder)
  if (options.data) requireFile(options.data.file)
  if (options.sensitivity && !options.data) {
    throw new LimbeckError('usage', '--sensitivity is measured on texts, and there are none.', {
      hint: 'Name a file of texts with --data.',
    })
  }
  if (options.data && isBare(optimized.report)) {
    throw new LimbeckError(
      'usage',
      `--data: ${folder} was made from a file without a configuration, so there is nothing to read text with.`,
      { hint: 'Put config.json and the tokenizer beside the file, and optimize it again.' },
    )
  }
  const plan = await planOf(options, optimized.report)
  const source = await findSource(optimized, options.source, { signal, progress })
  if (options.data && !source.model) {
    throw new LimbeckError('usage', `--data needs the source: ${source.missing}`)
  }
  return withScratchFolder(async (scratch) => {
    const start = performance.now()
    const files = filesOf(optimized.report, folder)
    if (source.model) {
      const step = progress?.step('Building the source')
      const { variants } = await buildWithSource(source.model, scratch, [], { signal })
      files.unshift({ name: sourcePlan.name, path: resolve(scratch, variants[0]!.file) })
      step?.done(sourcePlan.name)
    }
    announce(optimized.report, files, plan, progress)
    const judged =
      options.data && source.model?.dims
        ? await judgeAnew(optimized.report, source.model, files, { ...options, data: options.data })
        : optimized.report
    const details = {
      ...(await measureDetails(judged, files, plan, scratch, options)),
      sensitivity:
        options.sensitivity && source.model
          ? await layersOf(source.model, { ...options, data: options.data! })
          : undefined,
    }
    const seconds = (performance.now() - start) / 1000
    const result: Report = {
      ...judged,
      notes: [...judged.notes, ...(await notesOf(judged, details, source.missing))],
      details: { ...details, seconds, command: options.command },
    }
    return { report: result, files: await target(result) }
  })
}

/** The report with accuracy, fidelity and verdicts on other data; the choice stays what it was. */
async function judgeAnew(
  base: Report,
  model: LoadedModel,
  files: readonly MeasuredFile[],
  options: ReportOptions & { readonly data: DataOptions },
): Promise<Report> {
  const { data, signal, progress, batchSize = base.settings.batchSize } = options
  const tokenizer = await tokenizerOf(model)
  const text = await readMeasuredText(
    data,
    model,
    tokenizer,
    maxLengthOf(model, tokenizer, options.maxLength),
  )
  const variants = files.map(({ name, path }) => ({ name, file: path }))
  const measured = { model, folder: '', variants, signal, progress }
  const quality = await measureQuality(measured, text, batchSize)
  const { maxDrop, seed } = base.settings
  return {
    ...base,
    data: dataReport(data.file, text, quality),
    settings: { ...base.settings, batchSize },
    variants: base.variants.map((variant, i) => ({
      ...variant,
      ...qualityReport(quality, i, { maxDrop, seed }),
    })),
    notes: [
      ...base.notes,
      `Accuracy and verdicts were taken anew on ${basename(data.file)}; ${base.chosen} was chosen before, on ${base.data.file ? basename(base.data.file) : 'random tokens'}.`,
    ],
  }
}

/** How sensitive the layers of the source are; the page's own time is not the report's. */
async function layersOf(
  { path, dequantize }: AnyModel,
  { data, maxLength, signal, progress }: ReportOptions & { readonly data: DataOptions },
): Promise<SensitivityReport> {
  const run = { data, maxLength, dequantize, signal, progress }
  const { seconds: _, page: __, ...found } = await sensitivity({ model: path, ...run })
  return found
}

async function measureDetails(
  base: Report,
  files: readonly MeasuredFile[],
  plan: ReportPlan,
  scratch: string,
  { price, currency, power }: ReportOptions,
): Promise<ReportDetails> {
  const pair = beforeAndAfter(base, files)
  const { shape, threads, lengths } = plan
  const at = base.headline.threads
  const rows = { shapes: [shape], threads }
  const byThreads = latencySweep(await timeFiles('Timing threads', files, rows, plan))
  const shapes = lengths.map((sequence) => ({ batch: 1, sequence }))
  // where the source was chosen and is gone, there is nothing to show of it
  const ofPair = async () => ({
    lengths: latencySweep(await timeFiles('Timing lengths', pair, { shapes, threads: [at] }, plan)),
    operators: await profileFiles(pair, shape, at, scratch, plan),
  })
  const inside = pair.length > 0 ? await ofPair() : undefined
  // what is quoted as a cost must not come from more threads than there are cores
  const sound = (row: { readonly oversubscribed: boolean }): boolean => !row.oversubscribed
  const costs = byThreads.variants.flatMap(({ name, latency }) => {
    const row = latency.find((one) => one.threads === at) ?? latency.find(sound) ?? latency[0]
    return row ? [{ name, latency: row }] : []
  })
  return {
    measuredAt: new Date().toISOString(),
    seconds: 0,
    threads: byThreads,
    ...inside,
    layers: layerBytes(files),
    running: runningCost(costs, { pricePerHour: price, currency, watts: power }),
  }
}

/** A 95th percentile beyond this many medians: others took turns with what was measured. */
const QUIET_SPREAD = 2

async function notesOf(
  base: Report,
  { threads, lengths }: ReportDetails,
  missing: string | undefined,
): Promise<string[]> {
  const { cpu, int8Kernel } = await machineReport()
  const elsewhere = cpu !== base.machine.cpu || int8Kernel !== base.machine.int8Kernel
  const rows = [threads, lengths].flatMap((sweep) =>
    (sweep?.variants ?? []).flatMap(({ latency }) => latency),
  )
  // with more threads than cores it always does
  const restless = rows.some((row) => !row.oversubscribed && row.p95 > QUIET_SPREAD * row.p50)
  return [
    ...(missing ? [missing] : []),
    ...(elsewhere
      ? [
          `Threads, lengths, operators and costs were measured on another machine (${cpu}, ${int8Kernel}) than accuracy and the first table (${base.machine.cpu}, ${base.machine.int8Kernel}).`,
        ]
      : []),
    ...(restless
      ? [
          'Latencies by threads or length varied much (a 95th percentile beyond two medians): the machine was busy; measure again when it is idle.',
        ]
      : []),
  ]
}
