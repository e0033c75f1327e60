/**
 * How every run ends that makes a model: beside its checkpoint come the ONNX files of `optimize`, what they are
 * worth beside what the model was made from, the lineage and the report.
 */
import type { DataOptions } from '../fit/measured-text.ts'
import type { Report } from '../report/report.ts'
import { load } from './load.ts'
import type { OptimizeOptions } from './optimize.ts'
import { type OptimizeMore, optimizeInto, settingsOf } from './optimize-into.ts'
import type { Origin } from './origin.ts'

/** Threads that latencies are taken with; the first decides. */
const THREADS = [1, 2, 4]

export interface FinishOptions
  extends OptimizeMore,
    Pick<OptimizeOptions, 'maxLength' | 'seconds' | 'seed' | 'command' | 'signal' | 'progress'> {
  readonly title: string
  /** Where the folder will stand at last. */
  readonly output: string
  /** Of the model. */
  readonly name: string
  readonly origin: Origin
  /** Data that it is judged by; without it nothing is. */
  readonly dev: DataOptions | undefined
}

/** Finishes the model folder that stands at `aside`; latency takes 2 seconds by number of threads, 0 for none. */
export async function finishModel(aside: string, options: FinishOptions): Promise<Report> {
  const { output: model, name, dev: data, maxLength, seconds = 2, seed } = options
  const { command, signal, progress, title, training, facts, origin, plans } = options
  const written = load(aside)
  const named = { ...written, folder: { ...written.folder, name } }
  const asked = { model, data, maxLength, seconds, seed, command, signal, progress }
  const settings = settingsOf(asked, named, '1x128')
  const told = { title, training, facts, origin, plans }
  return optimizeInto(aside, named, asked, { ...settings, threads: THREADS }, told)
}
