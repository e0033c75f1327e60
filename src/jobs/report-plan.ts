/** What a report will measure, of which files, and how long that takes: told before it begins. */
import { resolve } from 'node:path'
import type { BenchShape } from '../bench/bench-shape.ts'
import { LimbeckError } from '../errors.ts'
import { chosenOf, headlineLatency, sourceOf } from '../report/outcome.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { formatSeconds } from '../report/units.ts'
import { estimateSeconds } from './estimate-report.ts'
import { openModel } from './load.ts'
import type { DetailOptions, MeasuredFile } from './measure-details.ts'
import { checkThreads, shapesOf } from './model-limits.ts'
import type { ReportOptions } from './report.ts'

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
export function planOf(options: ReportOptions, base: Report): ReportPlan {
  const threads = [...new Set(options.threads ?? [1, 2, 4])].sort((a, b) => a - b)
  checkThreads(...threads, base.headline.threads)
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
    shape: shapesOf(model, base.headline.shape, '')[0]!,
    threads,
    lengths: [...new Set(lengths)].sort((a, b) => a - b),
    seconds: options.seconds ?? SECONDS,
    seed: options.seed ?? base.settings.seed,
    signal: options.signal,
    progress: options.progress,
  }
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
