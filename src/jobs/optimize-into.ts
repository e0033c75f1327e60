/**
 * The middle of the main job: variants of a model written into a folder, each verified against its source,
 * measured beside it and judged, with the report of it all. `optimize` ends with it, and every verb that makes a model.
 */
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BenchShape } from '../bench/bench-shape.ts'
import { LIMBECK_FILE } from '../hub/write-folder.ts'
import type { Report } from '../report/report.ts'
import { parseMaxDrop } from '../stats/acceptance.ts'
import type { BareFile } from './any-model.ts'
import { assembleReport } from './assemble-report.ts'
import { buildInChild } from './build-in-child.ts'
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
import type { Taught } from './optimize-student.ts'
import { exportOrigin, type Origin } from './origin.ts'
import { resultsReport } from './results.ts'
import { simulatedSaturates } from './simulate.ts'
import { studentNotes } from './student-notes.ts'
import { ofStudent, optimizePlans, STUDENT, sourcePlan, type VariantPlan } from './variants.ts'
import { verifyVariants } from './verify.ts'
import { writeReportFiles } from './write-report.ts'

/** What another job has to tell with the variants. */
export interface OptimizeMore extends Partial<Pick<Report, 'title' | 'training'>> {
  /** Files beside those that every model gets, or in the place of one of the same name. */
  readonly plans?: readonly VariantPlan[] | undefined
  /** What the model was made from, for the table of results. */
  readonly origin?: Origin | undefined
  /** For the lineage. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined
  /** Teaches a student and writes it into the folder. */
  readonly teach?: ((folder: string) => Promise<Taught>) | undefined
}

/** Writes variants of a model into a folder, measures them and reports; the folder's files stay. */
export async function optimizeInto(
  folder: string,
  model: LoadedModel | BareFile,
  options: OptimizeOptions,
  settings: OptimizeSettings,
  { facts, teach, origin, plans = [], ...more }: OptimizeMore = {},
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
  const taught = teach && (await stage('teach the student', () => teach(folder)))
  const built = await stage('write variants', () =>
    buildAll(model, folder, taught?.model, plans, options),
  )
  const { encodings } = text
  const verified = await stage('verify', async () => {
    const { floats } = built
    const own = { signal, progress, encodings }
    const ofModel = await verifyVariants(model, folder, built.variants, { ...own, floats })
    if (!taught) return ofModel
    return [...ofModel, ...(await verifyVariants(taught.model, folder, built.student, own))]
  })
  // the student's own source is no rival
  const variants = [...built.variants, ...built.student.slice(1)]
  const measured = { folder, variants, signal, progress, simulate: options.simulate }
  const quality = await stage('measure accuracy', () => road.quality(measured, text))
  const from = origin && (await exportOrigin(origin, measured, text, settings))
  const timed = { ...measured, variants: [...(from ? [from.file] : []), ...variants] }
  const rows = await stage('measure latency', () => measureLatency(timed, settings, road.feeds))
  for (const { file } of [sourcePlan, ofStudent(sourcePlan)]) {
    rmSync(join(folder, dirname(file)), { recursive: true, force: true })
  }
  road.companions(folder)
  const { notes } = road
  const made = { text, variants, verified, quality, rows, stages, notes }
  const assembled = await assembleReport({ options, settings, model: road.model, ...made })
  const results =
    from && model.dims
      ? resultsReport(assembled, { ...from, rows, model, text, training: more.training })
      : undefined
  const report = { ...(taught ? tellingOfStudent(assembled, taught) : assembled), results, ...more }
  await writeReportFiles(report, folder, ['html', 'markdown'])
  await writeLineage(join(folder, LIMBECK_FILE), model, {
    ...(model.dequantize && { dequantized: true }),
    ...(taught && { student: { recipe: taught.identity } }),
    ...facts,
    chosen: report.chosen,
    report,
  })
  return report
}

/** Writes all files of the model, and of its student where it has one; sources come first. */
async function buildAll(
  model: LoadedModel | BareFile,
  folder: string,
  student: LoadedModel | undefined,
  added: readonly VariantPlan[],
  { signal, progress }: OptimizeOptions,
) {
  const { quantized, half } = roundingOf(model.graph)
  const known = quantized || half
  const usual = optimizePlans(cpuWeightBits()).filter(({ quantize }) => !known || !quantize)
  const isNew = ({ file }: VariantPlan) => !added.some((one) => one.file === file)
  const plans = [...usual.filter(isNew), ...added]
  const step = progress?.step('Writing variants', plans.length * (student ? 2 : 1))
  let begun = 0
  const told = { signal, onVariant: (name: string) => step?.update(begun++, name) }
  const built = await buildWithSource(model, folder, plans, told)
  const own = [sourcePlan, ...plans].map(ofStudent)
  const more = student && (await buildInChild({ model: student.path, folder, variants: own }, told))
  const variants = more?.variants ?? []
  step?.done(`${built.variants.length + variants.length} files`)
  return { ...built, student: variants }
}

/** The report with what is told of the student. */
const tellingOfStudent = (report: Report, taught: Taught): Report => ({
  ...report,
  training: taught.training,
  notes: [...studentNotes(report, taught), ...report.notes],
  files: [
    ...report.files,
    { role: 'weights of the student', path: `${STUDENT}/model.safetensors` },
  ],
})

/** Settings with their defaults. */
export interface OptimizeSettings {
  readonly maxDrop: string
  readonly strict: boolean
  /** Of latencies; the first decides. */
  readonly threads: readonly number[]
  readonly shapes: readonly BenchShape[]
  readonly batchSize: number
  readonly seconds: number
  readonly seed: number
}

export function settingsOf(
  options: Omit<OptimizeOptions, 'model'>,
  model: LoadedModel | BareFile,
  defaultShapes = '1x16,1x128',
): OptimizeSettings {
  const maxDrop = options.maxDrop ?? '1%'
  parseMaxDrop(maxDrop)
  checkThreads(options.threads)
  if (options.simulate !== undefined) simulatedSaturates(options.simulate)
  return {
    maxDrop,
    strict: options.strict ?? false,
    threads: [options.threads ?? 1],
    shapes: shapesOf(model.dims ? model : undefined, options.shapes, defaultShapes),
    batchSize: options.batchSize ?? BATCH_SIZE,
    seconds: options.seconds ?? 8,
    seed: options.seed ?? 1,
  }
}
