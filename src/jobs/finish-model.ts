/**
 * How every run ends that makes a model: beside its checkpoint come the ONNX files of `optimize`, what they are
 * worth beside what the model was made from, the lineage and the report.
 */
import type { DataOptions } from '../fit/measured-text.ts'
import type { Progress } from '../report/progress.ts'
import type { Report } from '../report/report.ts'
import { load } from './load.ts'
import { type OptimizeMore, optimizeInto, settingsOf } from './optimize-into.ts'
import type { Origin } from './origin.ts'

/** Threads that latencies are taken with; the first decides. */
const THREADS = [1, 2, 4]

export interface FinishOptions extends OptimizeMore {
  readonly title: string
  /** Where the folder will stand at last. */
  readonly output: string
  /** Of the model. */
  readonly name: string
  readonly origin: Origin
  /** Data that it is judged by; without it nothing is. */
  readonly dev: DataOptions | undefined
  readonly maxLength?: number | undefined
  /** Of latency measurement by number of threads; default 2, 0 for none. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
  /** The command as typed, for the report. */
  readonly command?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Finishes the model folder that stands at `aside`. */
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
