/** What a file's results are compared with: the file itself, unless its answers are left to chance. */
import { join, resolve } from 'node:path'
import type { Graph } from '../graph/graph.ts'
import { runPasses } from '../passes/pass.ts'
import { inferenceRules } from '../passes/raise/inference-mode.ts'
import { rulePass } from '../passes/rule-pass.ts'
import { writeVariant } from './build-variants.ts'
import { trains } from './foreign-facts.ts'
import { sourcePlan } from './variants.ts'

/** The source, or where it drops at random a copy of it that does not. */
export function comparableFile(file: string, graph: Graph, folder: string): string {
  if (!trains(graph)) return resolve(file)
  const pass = rulePass('inference-mode', 'Switches off what only training does.', inferenceRules)
  const still = runPasses(graph, [pass]).graph
  writeVariant(still, sourcePlan, folder)
  return join(folder, sourcePlan.file)
}
