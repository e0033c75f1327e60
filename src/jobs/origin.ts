/**
 * What a model was made from (a teacher, or the model before it was trained or pruned), measured beside what came
 * of it: exported, judged on the same data and timed in the same turns.
 */
import type { MetricResult } from '../data/metrics.ts'
import type { MeasuredText } from '../fit/measured-text.ts'
import { buildInChild } from './build-in-child.ts'
import type { LoadedModel } from './load.ts'
import { type Measured, measureQuality } from './measure-variants.ts'
import { type BuiltVariant, originPlans } from './variants.ts'

export interface Origin {
  readonly role: 'source' | 'teacher'
  /** Its name for people. */
  readonly name: string
  readonly model: LoadedModel
  /** Why its answers say nothing about the task. */
  readonly unjudged?: string | undefined
}

/** What it came to before it is timed. */
export interface ExportedOrigin {
  readonly origin: Origin
  readonly file: BuiltVariant
  /** Absent where its head is none for the task, or nothing is labelled. */
  readonly judged: MetricResult | undefined
}

/** Exports it beside the variants, into the folder of their source, and judges it by the task's metric. */
export async function exportOrigin(
  origin: Origin,
  measured: Omit<Measured, 'model'>,
  text: MeasuredText,
  { batchSize }: { readonly batchSize: number },
): Promise<ExportedOrigin> {
  const { role, model, unjudged } = origin
  const { folder, signal } = measured
  const plan = { model: model.path, folder, variants: [originPlans[role]] }
  const { variants } = await buildInChild(plan, { signal })
  const file = variants[0]!
  if (unjudged !== undefined || text.source !== 'labelled') {
    return { origin, file, judged: undefined }
  }
  const own = { ...measured, model, variants }
  const [quality] = await measureQuality(own, text, batchSize)
  return { origin, file, judged: quality?.metrics[0] }
}
