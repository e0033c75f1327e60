/**
 * The files that race: the rivals', filled with the real weights by their own script, and Limbeck's,
 * written from the same weights by the same code that `limbeck optimize` runs.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { BenchCandidate, BenchFeeds } from '../src/bench/index.ts'
import { tokenFeeds } from '../src/bench/index.ts'
import { buildInChild } from '../src/jobs/build-in-child.ts'
import type { VariantPlan } from '../src/jobs/variants.ts'
import { optimizePlans } from '../src/jobs/variants.ts'
import { hardware } from '../src/runtime/index.ts'
import { miniLm, rivalsFolder } from './places.ts'

/** ONNX Runtime as it comes: what Transformers.js runs. */
export const ortDefaults = { optimization: 'default', spinning: 'always' } as const

/** Random tokens of a real vocabulary's range, so that the embedding table is not read from cache. */
export const feeds: BenchFeeds = (shape, inputs) =>
  tokenFeeds(shape, inputs, { vocabularySize: 20_000 })

/** Names of Limbeck's entrants. */
export const ours = {
  fp32: 'fp32',
  int8: 'INT8',
  portable: 'portable INT8, default options',
  fp32Right: 'fp32, padding right',
  int8Right: 'INT8, padding right',
} as const

/** Where the files of a run stand. */
export interface ModelFiles {
  /** Folder of `torchscript.onnx`, `dynamo.onnx`, `torchscript-q8.onnx` and their `.bin`. */
  readonly rivals: string
  /** Limbeck's INT8 file for this CPU. */
  readonly int8: string
  readonly candidates: readonly BenchCandidate[]
}

/** Makes all files below `folder`. */
export async function makeModelFiles(folder: string): Promise<ModelFiles> {
  const rivals = join(folder, 'rivals')
  execFileSync(process.execPath, [join(rivalsFolder, 'make-rivals.mjs'), rivals])
  const plans = optimizePlans(hardware().int8.saturates ? 7 : 8)
  const planOf = (file: string): VariantPlan => plans.find((plan) => plan.file === file)!
  const fp32 = planOf('onnx/model_cpu.onnx')
  const int8 = planOf('onnx/model_cpu_quantized.onnx')
  const written: Readonly<Record<keyof typeof ours, VariantPlan>> = {
    fp32,
    int8,
    portable: planOf('onnx/model_quantized.onnx'),
    fp32Right: { ...fp32, file: 'onnx/right.onnx', padding: 'right' },
    int8Right: { ...int8, file: 'onnx/right_quantized.onnx', padding: 'right' },
  }
  const own = join(folder, 'limbeck')
  await buildInChild({ model: miniLm, folder: own, variants: Object.values(written) })
  const path = (key: keyof typeof ours): string => join(own, written[key].file)
  const rival = (name: string): BenchCandidate => ({
    name,
    path: join(rivals, name),
    options: ortDefaults,
    feeds,
  })
  const limbeck = (key: keyof typeof ours): BenchCandidate => ({
    name: ours[key],
    path: path(key),
    feeds,
    ...(key === 'portable' && { options: ortDefaults }),
  })
  return {
    rivals,
    int8: path('int8'),
    candidates: [
      ...['torchscript.onnx', 'dynamo.onnx', 'torchscript-q8.onnx'].map(rival),
      ...(Object.keys(ours) as (keyof typeof ours)[]).map(limbeck),
    ],
  }
}
