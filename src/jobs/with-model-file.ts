/**
 * An ONNX file to run for whatever model the user named: a file, a folder that Limbeck wrote, or a model
 * (folder or id of the Hub) without ONNX files, which is then exported for this CPU into a folder of its own and removed afterwards.
 */
import { join } from 'node:path'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import { buildInChild } from './build-in-child.ts'
import { findModel, type HubOptions } from './find-model.ts'
import { type OpenedModel, openModel } from './load.ts'
import { findModelFile } from './model-files.ts'
import { requireFile } from './require-file.ts'

export interface ModelFileOptions extends HubOptions {
  /** Base name of a file in the folder's `onnx`, such as `model_quantized`; the fastest by default. */
  readonly variant?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Runs `body` with the model, the file to run, and what the user knows it by. */
export async function withModelFile<T>(
  given: string,
  options: ModelFileOptions,
  body: (model: OpenedModel, file: string, origin: string) => Promise<T>,
): Promise<T> {
  const { variant, signal, progress } = options
  const { path, kind } = await findModel(given, { ...options, weights: 'any' })
  const model = openModel(path)
  // a cache may hold ONNX files that this call did not ask for
  const file = kind === 'safetensors' ? undefined : findModelFile(path, variant)
  if (file) return body(model, file, file)
  return withScratchFolder(async (folder) => {
    const plan = { name: 'fp32 optimized', file: 'model.onnx', lowering: 'cpu' } as const
    const step = progress?.step('Building')
    await buildInChild({ model: path, folder, variants: [plan] }, { signal })
    step?.done(`${plan.name}, for this CPU`)
    return body(model, join(folder, plan.file), given)
  })
}

/** The same for who reads no text: an ONNX file needs no model folder around it then. */
export async function withOnnxFile<T>(
  path: string,
  options: ModelFileOptions,
  body: (file: string, model: OpenedModel | undefined) => Promise<T>,
): Promise<T> {
  if (path.endsWith('.onnx')) return body(requireFile(path), undefined)
  return withModelFile(path, options, (model, file) => body(file, model))
}
