/**
 * An ONNX file to run for whatever path the user gave: a file, a folder that Limbeck wrote, or a model
 * folder, which is then exported for this CPU into a folder of its own and removed afterwards.
 */
import { join } from 'node:path'
import { withScratchFolder } from '../hub/scratch-folder.ts'
import type { Progress } from '../report/progress.ts'
import { buildInChild } from './build-in-child.ts'
import { type OpenedModel, openModel } from './load.ts'
import { findModelFile, requireFile } from './model-files.ts'

export interface ModelFileOptions {
  /** Base name of a file in the folder's `onnx`, such as `model_quantized`; the fastest by default. */
  readonly variant?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** Runs `body` with the model, the file to run, and what the user knows it by. */
export async function withModelFile<T>(
  path: string,
  { variant, signal, progress }: ModelFileOptions,
  body: (model: OpenedModel, file: string, origin: string) => Promise<T>,
): Promise<T> {
  const model = openModel(path)
  const file = findModelFile(path, variant)
  if (file) return body(model, file, file)
  return withScratchFolder(async (folder) => {
    const plan = { name: 'fp32 optimized', file: 'model.onnx', lowering: 'cpu' } as const
    const step = progress?.step('Building')
    await buildInChild({ model: path, folder, variants: [plan] }, { signal })
    step?.done(`${plan.name}, for this CPU`)
    return body(model, join(folder, plan.file), path)
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
