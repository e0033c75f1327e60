/**
 * `bench`: latency and memory of one or two models, interleaved, at shapes and thread counts.
 */

import { basename } from 'node:path'
import { type BenchRow, benchModels } from '../bench/index.ts'
import type { OpenedModel } from './load.ts'
import { checkThreads, shapesOf } from './model-limits.ts'
import { type ModelFileOptions, withOnnxFile } from './with-model-file.ts'

export interface BenchJobOptions extends ModelFileOptions {
  /** Model folder, folder that Limbeck wrote, or ONNX file. */
  readonly model: string
  /** A rival, of the same kinds; run as ONNX Runtime runs it by default. */
  readonly vs?: string | undefined
  /** Default 1x16,1x128,8x128. */
  readonly shapes?: string | undefined
  /** Default 1, 2 and 4; rows above the core count are marked. */
  readonly threads?: readonly number[] | undefined
  /** Seconds a row may take; default 10. */
  readonly seconds?: number | undefined
  readonly seed?: number | undefined
}

/** Rows of a benchmark; times in milliseconds, memory in bytes. */
export interface BenchResult {
  readonly rows: readonly BenchRow[]
}

/** Measures a model, beside a rival where one is given. */
export async function bench(options: BenchJobOptions): Promise<BenchResult> {
  const { model, vs, signal, progress } = options
  const threads = options.threads ?? [1, 2, 4]
  checkThreads(...threads)
  const measure = async (
    file: string,
    opened: OpenedModel | undefined,
    rival?: string,
  ): Promise<BenchResult> => {
    const shapes = shapesOf(opened, options.shapes, '1x16,1x128,8x128')
    const names = rival === undefined ? [model] : distinct(vs!, model)
    const candidates = [
      ...(rival === undefined
        ? []
        : [{ name: names[0]!, path: rival, options: { optimization: 'default' as const } }]),
      { name: names.at(-1)!, path: file },
    ]
    const step = progress?.step('Measuring', 100)
    const rows = await benchModels(candidates, {
      shapes,
      threads,
      maxSeconds: options.seconds ?? 10,
      ...(options.seed !== undefined && { seed: options.seed }),
      ...(signal && { signal }),
      onProgress: (at) =>
        step?.update(
          Math.round(at.fraction * 100),
          `${at.shape.batch}x${at.shape.sequence}, ${at.threads} thread${at.threads === 1 ? '' : 's'}`,
        ),
    })
    step?.done(`${rows.length} row${rows.length === 1 ? '' : 's'}`)
    return { rows }
  }
  return withOnnxFile(model, options, (file, opened) =>
    vs === undefined
      ? measure(file, opened)
      : withOnnxFile(vs, { offline: options.offline, signal, progress }, (rival) =>
          measure(file, opened, rival),
        ),
  )
}

/** Names of rival and model as the table shows them. */
function distinct(vs: string, model: string): [string, string] {
  const [a, b] = [basename(vs), basename(model)]
  return a === b ? [vs, model === vs ? `${model} (again)` : model] : [a, b]
}
