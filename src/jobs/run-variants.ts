/**
 * One text on every variant of a model, side by side: does INT8 give the answer of FP32, and how long does
 * each take?
 *
 * Of a folder that Limbeck wrote, the files of its `onnx`; of a model folder, FP32 and INT8 for this CPU,
 * built into a folder of its own and removed afterwards.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LimbeckError } from '../errors.ts'
import { buildInChild } from './build-in-child.ts'
import { cpuWeightBits } from './export-model.ts'
import { openModel, tokenizerOf } from './load.ts'
import { checkThreads } from './model-limits.ts'
import { type RunOptions, type RunResult, runFile } from './run.ts'
import { optimizePlans, type VariantPlan } from './variants.ts'

/** What one variant said. */
export interface VariantRun extends RunResult {
  /** Such as `fp32 optimized` or `INT8`. */
  readonly variant: string
}

/** Runs every variant on one text, one after the other. */
export async function runVariants(options: Omit<RunOptions, 'variant'>): Promise<VariantRun[]> {
  checkThreads(options.threads)
  if (options.model.endsWith('.onnx')) {
    throw new LimbeckError('usage', `${options.model}: one file has no variants.`, {
      hint: 'Give the folder that holds its variants.',
    })
  }
  const plans = optimizePlans(cpuWeightBits())
  const written = plans.filter(({ file }) => existsSync(join(options.model, file)))
  if (written.length > 0) return runAll(options, options.model, written)
  const built = plans.filter(({ lowering }) => lowering === 'cpu')
  const folder = await mkdtemp(join(tmpdir(), 'limbeck-'))
  try {
    const plan = { model: options.model, folder, variants: built }
    await buildInChild(plan, { signal: options.signal })
    return await runAll(options, folder, built)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runAll(
  options: Omit<RunOptions, 'variant'>,
  folder: string,
  variants: readonly VariantPlan[],
): Promise<VariantRun[]> {
  const model = openModel(options.model)
  const tokenizer = await tokenizerOf(model)
  const runs: VariantRun[] = []
  for (const { name, file } of variants) {
    const result = await runFile(model, tokenizer, join(folder, file), options)
    runs.push({ ...result, variant: name, file })
  }
  return runs
}
