/**
 * One text on every variant of a model, side by side: does INT8 give the answer of FP32, and how long does
 * each take?
 *
 * Of a folder that Limbeck wrote, the files of its `onnx`; of a model folder, FP32 and INT8 for this CPU,
 * built into a folder of its own and removed afterwards.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import type { Answer } from '../fit/answer.ts'
import { RANKED } from '../fit/rank-documents.ts'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import { kendallTau } from '../stats/kendall.ts'
import { buildInChild } from './build-in-child.ts'
import { cpuWeightBits } from './export-model.ts'
import { findModel } from './find-model.ts'
import { openModel, tokenizerOf } from './load.ts'
import { checkThreads } from './model-limits.ts'
import { type RunOptions, type RunResult, runFile } from './run.ts'
import { optimizePlans, type VariantPlan } from './variants.ts'

/** What one variant said. */
export interface VariantRun extends RunResult {
  /** Such as `fp32 optimized` or `INT8`. */
  readonly variant: string
  /** Of rankings: how near the order is to that of the first variant. */
  readonly order?: OrderAgreement | undefined
}

export interface OrderAgreement {
  /** Kendall's tau-b of the scores of all documents; not a number where one variant's are all equal. */
  readonly tau: number
  /** Whether the same document comes first. */
  readonly sameFirst: boolean
}

/** Runs every variant on one text, one after the other. */
export async function runVariants(given: Omit<RunOptions, 'variant'>): Promise<VariantRun[]> {
  checkThreads(given.threads)
  if (given.model.endsWith('.onnx')) {
    throw new LimbeckError('usage', `${given.model}: one file has no variants.`, {
      hint: 'Give the folder that holds its variants.',
    })
  }
  const { path, kind } = await findModel(given.model, { ...given, weights: 'any' })
  const options = { ...given, model: path }
  const plans = optimizePlans(cpuWeightBits())
  const written = plans.filter(({ file }) => kind !== 'safetensors' && existsSync(join(path, file)))
  if (written.length > 0) return runAll(options, path, written)
  const built = plans.filter(({ lowering }) => lowering === 'cpu')
  return withScratchFolder(async (folder) => {
    const step = options.progress?.step('Building')
    const plan = { model: path, folder, variants: built }
    await buildInChild(plan, { signal: options.signal })
    step?.done(`${built.length} variants, for this CPU`)
    return runAll(options, folder, built)
  })
}

async function runAll(
  options: Omit<RunOptions, 'variant'>,
  folder: string,
  variants: readonly VariantPlan[],
): Promise<VariantRun[]> {
  const model = openModel(options.model)
  const tokenizer = await tokenizerOf(model)
  const runs: VariantRun[] = []
  // orders are compared over all documents, whatever is shown
  const whole = options.documents === undefined ? options : { ...options, top: Infinity }
  const step = options.progress?.step('Running', variants.length)
  for (const { name, file } of variants) {
    step?.update(runs.length, name)
    const result = await runFile(model, tokenizer, join(folder, file), whole)
    runs.push({ ...result, variant: name, file })
  }
  step?.done(`${runs.length} variants`)
  const [first] = runs
  return runs.map(({ answer, ...rest }, i) => ({
    ...rest,
    answer: shortened(answer, options.top),
    ...(i > 0 && { order: orderAgreement(first!.answer, answer) }),
  }))
}

const shortened = (answer: Answer, top = RANKED): Answer =>
  answer.kind === 'ranking' ? { ...answer, documents: answer.documents.slice(0, top) } : answer

function orderAgreement(first: Answer, other: Answer): OrderAgreement | undefined {
  if (first.kind !== 'ranking' || other.kind !== 'ranking') return undefined
  const [x, y] = [first, other].map(({ documents }) => {
    const scores = new Float64Array(documents.length)
    for (const { index, score } of documents) scores[index] = score
    return scores
  })
  const sameFirst = first.documents[0]!.index === other.documents[0]!.index
  return { tau: kendallTau(x!, y!), sameFirst }
}
