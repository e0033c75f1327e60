/**
 * From measurements to the report: verdicts, the choice and its reason, what a reader must know.
 */
import { existsSync } from 'node:fs'
import { type BenchRow, formatShape } from '../bench/index.ts'
import { acceptMetric } from '../data/accept-metric.ts'
import type { MetricResult } from '../data/metrics.ts'
import { columnsText } from '../fit/data-columns.ts'
import { labelsText, takenLabels } from '../fit/data-labels.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import type {
  MetricReport,
  Report,
  ReportData,
  ReportMachine,
  ReportModel,
  VariantReport,
} from '../report/report.ts'
import { hardware } from '../runtime/hardware.ts'
import { ortVersion } from '../runtime/ort.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import { chooseVariant } from './choose-variant.ts'
import type { Verification } from './compare-outputs.ts'
import { kernelNotes } from './kernel-notes.ts'
import { latencyReport } from './latency-rows.ts'
import { limbeckVersion } from './lineage.ts'
import type { LoadedModel } from './load.ts'
import type { Quality } from './measure-variants.ts'
import type { OptimizeOptions } from './optimize.ts'
import type { OptimizeSettings } from './optimize-into.ts'
import { type BuiltVariant, sourcePlan } from './variants.ts'

export interface Measurements {
  readonly options: OptimizeOptions
  readonly settings: OptimizeSettings
  readonly model: ReportModel
  /** What else a reader must know. */
  readonly notes?: readonly string[] | undefined
  readonly text: MeasuredText
  readonly variants: readonly BuiltVariant[]
  readonly verified: readonly Verification[]
  readonly quality: readonly Quality[]
  readonly rows: readonly BenchRow[]
  readonly stages: readonly { readonly name: string; readonly seconds: number }[]
}

/** The report of an optimization. */
export async function assembleReport(m: Measurements): Promise<Report> {
  const { options, settings, model, text } = m
  const headline = { shape: formatShape(settings.shapes.at(-1)!), threads: settings.threads[0]! }
  const variants = m.variants.map((variant, i) => variantReport(variant, i, m, headline.shape))
  const choice = chooseVariant(variants, headline, settings.strict)
  return {
    version: 1,
    title: `${model.name}, optimized`,
    createdAt: new Date().toISOString(),
    command: options.command,
    model,
    data: dataReport(options.data?.file, text, m.quality),
    machine: await machineReport(),
    settings: {
      maxDrop: settings.maxDrop,
      strict: settings.strict,
      threads: settings.threads,
      shapes: settings.shapes.map(formatShape),
      batchSize: settings.batchSize,
      seed: settings.seed,
      dims: options.dims,
    },
    headline,
    variants,
    chosen: choice.name,
    chosenWhy: choice.why,
    notes: notesOf(m),
    files: m.variants
      .filter((variant) => variant.name !== sourcePlan.name)
      .map(({ name, file, bytes }) => ({ role: name, path: file, bytes })),
    stages: m.stages,
  }
}

/** The text that accuracy was taken on. */
export const dataReport = (
  file: string | undefined,
  text: MeasuredText,
  quality: readonly Quality[],
): ReportData => ({
  file,
  columns: text.columns && columnsText(text.columns),
  labels: text.labels && labelsText(takenLabels(text.labels)),
  source: text.source,
  rows: quality[0]?.metrics[0]?.n ?? text.examples.length,
  metric: quality[0]?.metrics[0]?.name,
  truncated: text.truncated,
  maxLength: text.maxLength,
})

/** The machine as a report names it. */
export async function machineReport(): Promise<ReportMachine> {
  const { cpu, cores, allottedCores, isa, int8 } = hardware()
  return {
    cpu,
    cores,
    allottedCores,
    isa,
    int8Kernel: int8.kernel,
    node: process.versions.node,
    onnxruntime: await ortVersion(),
    limbeck: limbeckVersion,
  }
}

function variantReport(
  variant: BuiltVariant,
  index: number,
  { quality, rows, verified, settings }: Measurements,
  headlineShape: string,
): VariantReport {
  const isSource = index === 0
  const checked = verified.find(({ name }) => name === variant.name)
  const headlineRow = rows.find(
    ({ shape, threads }) => formatShape(shape) === headlineShape && threads === settings.threads[0],
  )
  const memory = headlineRow?.entries.find(({ name }) => name === variant.name)?.memory
  return {
    name: variant.name,
    file: isSource ? undefined : variant.file,
    target: isSource ? 'as exported' : variant.file.includes('_cpu') ? 'cpu' : 'portable',
    precision: variant.precision ?? (variant.quantized ? 'int8' : 'fp32'),
    bytes: variant.bytes,
    nodes: variant.nodes,
    peakMemoryBytes: memory?.peak,
    latency: rows.map((row) => latencyReport(row, variant.name)),
    ...qualityReport(quality, index, settings),
    verification: checked && {
      ok: checked.ok,
      tolerance: checked.tolerance,
      maxAbsError: checked.maxAbsError,
      note: checked.reason,
    },
    kernels: checked?.kernels,
    passes: variant.passes,
  }
}

/** What a variant's answers came to, and the verdict on it; the first is the source. */
export function qualityReport(
  quality: readonly Quality[],
  index: number,
  { maxDrop, seed }: { readonly maxDrop: string; readonly seed: number },
): Pick<VariantReport, 'quality' | 'otherMetrics' | 'fidelity' | 'acceptance' | 'simulated'> {
  const { metrics, fidelity, simulated } = quality[index]!
  const source = quality[0]!.metrics[0]
  const judged = (metric: MetricResult | undefined) => ({
    quality: metric && metricReport(metric),
    acceptance:
      index > 0 && metric && source
        ? acceptMetric(source, metric, parseMaxDrop(maxDrop), { seed })
        : undefined,
  })
  return {
    ...judged(metrics[0]),
    otherMetrics: metrics.slice(1).map(metricReport),
    fidelity,
    simulated: simulated && {
      ...simulated.layers,
      ...judged(simulated.result?.metrics[0]),
      fidelity: simulated.result?.fidelity,
    },
  }
}

/** A metric as reports hold it. */
export const metricReport = ({ name, value, interval, n, better }: MetricResult): MetricReport => ({
  name,
  value,
  interval,
  n,
  better,
})

/** A 95th percentile beyond this many medians: others took turns with what was measured. */
const QUIET_SPREAD = 2

/** What a reader of the figures must know. */
function notesOf({ text, settings, rows, verified, notes: more = [] }: Measurements): string[] {
  const notes = [
    ...more,
    `Dynamic INT8 finds its ranges in each batch, padding included: accuracy was taken with ${settings.batchSize} texts a batch, sorted by length, and may differ slightly with another batch size.`,
  ]
  notes.push(...kernelNotes(verified))
  for (const { name, ok, reason } of verified) {
    if (!ok) notes.push(`${name} is rejected whatever its metric says: ${reason}.`)
  }
  // with more threads than cores it always varies
  const spreads = rows
    .filter(({ oversubscribed }) => !oversubscribed)
    .flatMap(({ entries }) => entries.map(({ p50, p95 }) => p95 / p50))
  if (Math.max(...spreads) > QUIET_SPREAD) {
    notes.push(
      'Latency varied much (a 95th percentile beyond two medians): on a busy machine long runs are interrupted more often than short ones, so speed-ups may be overstated.',
    )
  }
  if (text.source === 'random') {
    notes.push(
      'No text was given: fidelity was taken on random tokens and says less than on real text.',
    )
  }
  if (text.truncated > 0) {
    notes.push(
      `${text.truncated} of ${text.encodings.length} texts were longer than ${text.maxLength} tokens and were cut.`,
    )
  }
  return notes
}

/** What a report says of a model that its configuration describes. */
export const reportModel = (given: string, model: LoadedModel): ReportModel => ({
  folder: sourceName(given, model),
  name: model.folder.name,
  family: model.family.type,
  task: model.task,
  parameters: model.parameters,
  layers: model.dims.layers,
  hidden: model.dims.hidden,
  labels: model.labels,
})

/** The source as it can be found again: its path, or its id with the full commit. */
function sourceName(given: string, { folder: { origin } }: LoadedModel): string {
  return origin && !existsSync(given) ? `${origin.id}@${origin.revision}` : given
}
