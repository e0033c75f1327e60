/**
 * What a file's results are compared with: the file itself, unless its answers are left to chance, or floats are to be
 * made of it.
 */
import { join, resolve } from 'node:path'
import { CANONICAL_OPSET, type Graph } from '../graph/graph.ts'
import { type Pass, runPasses } from '../passes/pass.ts'
import { inferenceRules } from '../passes/raise/inference-mode.ts'
import { rulePass } from '../passes/rule-pass.ts'
import { writeGraph } from './build-variants.ts'
import { trains } from './foreign-facts.ts'
import { floatPasses } from './logical-graph.ts'
import { sourcePlan } from './variants.ts'

/** The source, or where it drops at random a copy of it that does not. */
export function comparableFile(file: string, graph: Graph, folder: string): string {
  return trains(graph) ? written(graph, [atRest], join(folder, sourcePlan.file)) : resolve(file)
}

/** The floats of a quantized file, raised and fused by nothing: what is made of them must answer as they do. */
export const floatFile = (graph: Graph, folder: string): string =>
  written(graph, [...floatPasses(), atRest], join(folder, 'source/dequantized.onnx'))

const atRest = rulePass('inference-mode', 'Switches off what only training does.', inferenceRules)

/** In the canonical opset, which has a form for everything that files hold. */
function written(graph: Graph, passes: readonly Pass[], path: string): string {
  writeGraph(runPasses(graph, passes).graph, path, CANONICAL_OPSET)
  return path
}
