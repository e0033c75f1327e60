/** What a report will measure, of which files, and how long that takes: told before it begins. */
import { resolve } from 'node:path'
import type { BenchShape } from '../bench/bench-shape.ts'
import { LimbeckError, showValue } from '../errors.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { chosenOf, headlineLatency, sourceOf } from '../report/outcome.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { formatSeconds } from '../report/units.ts'
import type { Feeds } from '../runtime/index.ts'
import { isBare } from './any-model.ts'
import { estimateSeconds } from './estimate-report.ts'
import { bindingsAt, fileFeeds } from './file-inputs.ts'
import { openModel } from './load.ts'
import type { DetailOptions, MeasuredFile } from './measure-details.ts'
import { checkThreads, shapesOf } from './model-limits.ts'
import type { ReportOptions } from './report.ts'
import { outputsOf } from './verify.ts'

const LENGTHS = [8, 16, 32, 64, 128, 256, 512]
const SECONDS = 4

/** What is measured, and how long. */
export interface ReportPlan extends DetailOptions {
  readonly shape: BenchShape
  readonly threads: readonly number[]
  readonly lengths: readonly number[]
}

/**
 * The plan of a report.
 * @throws LimbeckError `usage` for what the model or the machine does not take.
 */
export async function planOf(options: ReportOptions, base: Report): Promise<ReportPlan> {
  const threads = [...new Set(options.threads ?? [1, 2, 4])].sort((a, b) => a - b)
  checkThreads(...threads, base.headline.threads)
  const rest = {
    threads,
    seconds: options.seconds ?? SECONDS,
    seed: options.seed ?? base.settings.seed,
    signal: options.signal,
    progress: options.progress,
  }
  if (isBare(base)) return { ...rest, ...(await barePlan(options, base)) }
  const model = openModel(options.folder)
  const { positions } = model.dims
  const long = options.lengths?.find((length) => length > positions)
  if (long !== undefined) {
    throw new LimbeckError(
      'usage',
      `--lengths ${long}: the model takes at most ${positions} tokens.`,
    )
  }
  const lengths = options.lengths ?? LENGTHS.filter((length) => length <= positions)
  return {
    ...rest,
    shape: shapesOf(model, base.headline.shape, '')[0]!,
    lengths: ascending(lengths),
  }
}

const ascending = (numbers: readonly number[]): number[] =>
  [...new Set(numbers)].sort((a, b) => a - b)

/** The same of a file without a configuration: its inputs are made up from what the files declare. */
async function barePlan(
  { folder, lengths, signal }: ReportOptions,
  base: Report,
): Promise<Pick<ReportPlan, 'shape' | 'lengths' | 'feeds'>> {
  const shape = shapesOf(undefined, base.headline.shape, '')[0]!
  const [file] = filesOf(base, folder)
  const graph = readOnnx(file!.path, nodeFiles)
  const { dims } = base.settings
  checkSizes(dims, folder)
  const feeds = (at: BenchShape) => fileFeeds(graph, at, dims)
  const sizesAt = (sequence: number) =>
    JSON.stringify(bindingsAt(graph, { batch: 1, sequence }, dims))
  // pictures have no length
  if (sizesAt(1) === sizesAt(2)) return { shape, lengths: [shape.sequence], feeds }
  if (lengths) return { shape, lengths: ascending(lengths), feeds }
  const longest = await longestOf(file!.path, feeds, signal)
  const known = LENGTHS.filter((length) => length <= longest)
  return { shape, lengths: known.length > 0 ? known : [shape.sequence], feeds }
}

/** @throws LimbeckError for sizes that are none: anybody may have edited the file that they stand in. */
function checkSizes(dims: Readonly<Record<string, unknown>> = {}, folder: string): void {
  const bad = Object.entries(dims).find(([, size]) => !Number.isInteger(size) || Number(size) < 1)
  if (!bad) return
  throw new LimbeckError(
    'input',
    `${folder}: the size of ${bad[0]} in its limbeck.json is ${showValue(bad[1])}, expected a whole number.`,
    { hint: 'Write the folder again with limbeck optimize … --overwrite.' },
  )
}

/** The longest of the usual lengths that a file takes: only a run tells. */
async function longestOf(
  path: string,
  feeds: (shape: BenchShape) => Feeds,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (const sequence of LENGTHS.toReversed()) {
    try {
      await outputsOf(path, [feeds({ batch: 1, sequence })], 'limbeck', signal)
      return sequence
    } catch (error) {
      if (!(error instanceof LimbeckError) || error.code === 'cancelled') throw error
    }
  }
  return 0
}

/** Every variant that the folder holds: all but the source. */
export const filesOf = (base: Report, folder: string): MeasuredFile[] =>
  base.variants
    .slice(1)
    .flatMap(({ name, file }) =>
      file === undefined ? [] : [{ name, path: resolve(folder, file) }],
    )

/** Source and chosen variant, as far as they are there. */
export const beforeAndAfter = (base: Report, files: readonly MeasuredFile[]): MeasuredFile[] => {
  const names = [sourceOf(base).name, chosenOf(base).name]
  return files.filter(({ name }) => names.includes(name))
}

/** Says how long it will take, before it begins. */
export function announce(
  base: Report,
  files: readonly MeasuredFile[],
  { shape, threads, lengths, seconds }: ReportPlan,
  progress: Progress | undefined,
): void {
  const runMs = ({ name }: MeasuredFile): number => {
    const variant = base.variants.find((one) => one.name === name)
    return (variant && headlineLatency(base, variant)?.p50) ?? 10
  }
  const pair = beforeAndAfter(base, files)
  const plans = [
    { rows: threads.map(() => files.map(runMs)), seconds },
    {
      rows: lengths.map((length) =>
        pair.map((file) => (runMs(file) * length) / shape.sequence / shape.batch),
      ),
      seconds,
    },
  ]
  const total = plans.reduce((sum, plan) => sum + estimateSeconds(plan), 5)
  const most = lengths.length > 1 ? `${lengths[0]} to ${lengths.at(-1)}` : lengths.join('')
  const about = formatSeconds(total).replace(/\.\d+/, '')
  progress
    ?.step('Report')
    .done(
      `measuring takes about ${about}: threads ${threads.join(', ')}; ${most} tokens; operators`,
    )
}
