/**
 * An ONNX file to run for whatever path the user gave: a file, a folder that Limbeck wrote, or a model
 * folder, which is then exported for this CPU into a folder of its own and removed afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildInChild } from './build-in-child.ts'
import { type OpenedModel, openModel } from './load.ts'
import { findModelFile, requireFile } from './model-files.ts'

export interface ModelFileOptions {
  /** Base name of a file in the folder's `onnx`, such as `model_quantized`; the fastest by default. */
  readonly variant?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Runs `body` with the model, the file to run, and what the user knows it by. */
export async function withModelFile<T>(
  path: string,
  { variant, signal }: ModelFileOptions,
  body: (model: OpenedModel, file: string, origin: string) => Promise<T>,
): Promise<T> {
  const model = openModel(path)
  const file = findModelFile(path, variant)
  if (file) return body(model, file, file)
  const folder = await mkdtemp(join(tmpdir(), 'limbeck-'))
  try {
    const plan = { name: 'fp32 optimized', file: 'model.onnx', lowering: 'cpu' } as const
    await buildInChild({ model: path, folder, variants: [plan] }, { signal })
    return await body(model, join(folder, plan.file), path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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
