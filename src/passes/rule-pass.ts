/** A pass that sweeps rules over the graph, with types known. */
import { type NodeRule, rewrite } from '../graph/rewrite.ts'
import { knowTypes } from '../ops/infer-types.ts'
import type { Pass } from './pass.ts'

/** Makes a pass of rules. */
export const rulePass = (name: string, summary: string, rules: readonly NodeRule[]): Pass => ({
  name,
  summary,
  apply: (graph, trace) => rewrite(graph, rules, { trace, know: knowTypes }),
})
