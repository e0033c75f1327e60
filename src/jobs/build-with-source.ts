/**
 * Variants beside the source they are compared with: of a model folder its graph as an exporter would write
 * it, of an ONNX file that file.
 */
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import type { AnyModel } from './any-model.ts'
import { type BuildOptions, type BuildResult, buildInChild } from './build-in-child.ts'
import { comparableFile, floatFile } from './comparable-file.ts'
import { roundingOf } from './foreign-facts.ts'
import { bytesOf } from './inspect-file.ts'
import { isOnnxFile } from './logical-graph.ts'
import { type BuiltVariant, sourcePlan, type VariantPlan } from './variants.ts'

/** Variants, the source first. */
export interface BuiltBesideSource extends BuildResult {
  /** The floats that were made of the source, where they were: what variants are held to, absolute. */
  readonly floats?: string | undefined
}

/** Builds into the folder; the source is the first of the variants, its file absolute where it is not built. */
export async function buildWithSource(
  { path, dequantize }: Pick<AnyModel, 'path' | 'dequantize'>,
  folder: string,
  plans: readonly VariantPlan[],
  options: BuildOptions,
): Promise<BuiltBesideSource> {
  if (!isOnnxFile(path)) {
    return buildInChild({ model: path, folder, variants: [sourcePlan, ...plans] }, options)
  }
  const built = await buildInChild({ model: path, folder, variants: plans, dequantize }, options)
  const graph = readOnnx(path, nodeFiles)
  const source: BuiltVariant = {
    name: sourcePlan.name,
    file: comparableFile(path, graph, folder),
    bytes: bytesOf(graph, path),
    files: [],
    seconds: 0,
    nodes: graph.nodes.length,
    ...roundingOf(graph),
    passes: [],
  }
  if (dequantize) {
    return { ...built, variants: [source, ...built.variants], floats: floatFile(graph, folder) }
  }
  return { ...built, variants: [source, ...asRough(built.variants, source)] }
}

/** Variants of a source that rounds round as it does. */
export const asRough = (
  variants: readonly BuiltVariant[],
  source: Pick<BuiltVariant, 'quantized' | 'half'>,
): BuiltVariant[] =>
  variants.map((one) => ({
    ...one,
    quantized: one.quantized || source.quantized,
    half: one.half || source.half,
  }))
