/**
 * What a file's results are compared with: the file itself, unless its answers are left to chance, or floats are to be
 * made of it.
 */
import { join, resolve } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import { runPasses } from '../passes/pass.ts'
import { inferenceRules } from '../passes/raise/inference-mode.ts'
import { rulePass } from '../passes/rule-pass.ts'
import { writeVariant } from './build-variants.ts'
import { trains } from './foreign-facts.ts'
import { floatPasses } from './logical-graph.ts'
import { sourcePlan } from './variants.ts'

/** The source, or where it drops at random a copy of it that does not. */
export function comparableFile(file: string, graph: Graph, folder: string): string {
  if (!trains(graph)) return resolve(file)
  const pass = rulePass('inference-mode', 'Switches off what only training does.', inferenceRules)
  const still = runPasses(graph, [pass]).graph
  writeVariant(still, sourcePlan, folder)
  return join(folder, sourcePlan.file)
}

/** The floats of a quantized file, raised and fused by nothing: what is made of them must answer as they do. */
export function floatFile(graph: Graph, folder: string): string {
  const pass = rulePass('inference-mode', 'Switches off what only training does.', inferenceRules)
  const floats = runPasses(graph, [...floatPasses(), pass]).graph
  const plan = { ...sourcePlan, name: 'dequantized', file: 'source/dequantized.onnx' }
  writeVariant(floats, plan, folder)
  return join(folder, plan.file)
}
