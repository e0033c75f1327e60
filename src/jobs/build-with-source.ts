/**
 * Variants beside the source they are compared with: of a model folder its graph as an exporter would write
 * it, of an ONNX file that file.
 */
import { nodeFiles } from '../hub/node-files.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import { type BuildOptions, type BuildResult, buildInChild } from './build-in-child.ts'
import { comparableFile } from './comparable-file.ts'
import { quantizedOps } from './foreign-facts.ts'
import { bytesOf } from './inspect-file.ts'
import { isOnnxFile } from './logical-graph.ts'
import { type BuiltVariant, sourcePlan, type VariantPlan } from './variants.ts'

/** Builds into the folder; the source is the first of the variants, its file absolute where it is not built. */
export async function buildWithSource(
  path: string,
  folder: string,
  plans: readonly VariantPlan[],
  options: BuildOptions,
): Promise<BuildResult> {
  if (!isOnnxFile(path)) {
    return buildInChild({ model: path, folder, variants: [sourcePlan, ...plans] }, options)
  }
  const built = await buildInChild({ model: path, folder, variants: plans }, options)
  const graph = readOnnx(path, nodeFiles)
  const quantized = quantizedOps(graph).size > 0
  const source: BuiltVariant = {
    name: sourcePlan.name,
    file: comparableFile(path, graph, folder),
    bytes: bytesOf(graph, path),
    files: [],
    seconds: 0,
    nodes: graph.nodes.length,
    quantized,
    passes: [],
  }
  const variants = built.variants.map((one) => ({ ...one, quantized: one.quantized || quantized }))
  return { ...built, variants: [source, ...variants] }
}
