/**
 * `save`: a loaded (and perhaps rewritten) graph to an ONNX file.
 */

import { mkdirSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import type { Lowering } from '../passes/pipelines.ts'
import type { Quantization } from '../passes/quantize.ts'
import { writeVariant } from './build-variants.ts'
import type { BuiltVariant } from './variants.ts'

export interface SaveOptions {
  /** Default `portable`. */
  readonly lowering?: Lowering | undefined
  readonly quantize?: Quantization | undefined
  /** Weights beside the file (`<file>_data`) whatever their size; by default above 1 GB. */
  readonly externalData?: boolean | undefined
  /** Promises that every batch is padded on the right (`cpu` only). */
  readonly padding?: 'right' | undefined
}

/**
 * Lowers a logical graph and writes it as ONNX: the file appears whole or not at all. Synchronous; unlike
 * `exportModel` it does not run what it wrote.
 * @throws LimbeckError `file` when it cannot be written.
 * @example
 * const { graph } = load('./my-model')
 * save(graph, './out/model.onnx')
 */
export function save(graph: Graph, file: string, options: SaveOptions = {}): BuiltVariant {
  const path = resolve(file)
  mkdirSync(dirname(path), { recursive: true })
  const { lowering = 'portable', ...rest } = options
  const plan = { name: basename(path), file: basename(path), lowering, ...rest }
  return writeVariant(graph, plan, dirname(path))
}
