/**
 * A pass is a function from graph to graph; a pipeline is an ordered, literal list of them.
 *
 * The same object back means unchanged. A run leaves one record a pass: time, node counts, hits per
 * rule and the nearest miss of each, for the report and `--explain`.
 */
import type { Graph } from '../graph/graph.ts'
import { type NearMiss, newTrace, type RewriteTrace } from '../graph/rewrite-trace.ts'

export interface Pass {
  readonly name: string
  /** One sentence: what it does. */
  readonly summary: string
  apply(graph: Graph, trace?: RewriteTrace): Graph
}

/** What a rule of a pass did, and what it left alone. */
export interface RuleRecord {
  readonly rule: string
  readonly hits: number
  readonly ms: number
  /** Nodes it wrote less those that went by it. */
  readonly nodes: number
  /** Operators it looks at; empty for what is counted without a rule. */
  readonly anchors: readonly string[]
  /** Nodes of these operators that it left. */
  readonly left: number
  /** How many of these it came near. */
  readonly near: number
  readonly nearest?: NearMiss | undefined
}

/** What a pass did. */
export interface PassRecord {
  readonly pass: string
  readonly ms: number
  readonly nodesBefore: number
  readonly nodesAfter: number
  readonly hits: Readonly<Record<string, number>>
  /** The same rule by rule, with those that did not fire. */
  readonly rules: readonly RuleRecord[]
}

/** Runs the passes in order. */
export function runPasses(
  graph: Graph,
  passes: readonly Pass[],
): { graph: Graph; records: PassRecord[] } {
  const records: PassRecord[] = []
  let current = graph
  for (const pass of passes) {
    const trace = newTrace()
    const start = performance.now()
    const next = pass.apply(current, trace)
    records.push({
      pass: pass.name,
      ms: performance.now() - start,
      nodesBefore: current.nodes.length,
      nodesAfter: next.nodes.length,
      hits: Object.fromEntries(trace.hits),
      rules: ruleRecords(trace),
    })
    current = next
  }
  return { graph: current, records }
}

const ruleRecords = ({ work, hits, misses }: RewriteTrace): RuleRecord[] =>
  [...work].map(([rule, { ms, added, removed, anchors, left, near }]) => ({
    rule,
    hits: hits.get(rule) ?? 0,
    ms,
    nodes: added - removed,
    anchors,
    left,
    near,
    nearest: misses.get(rule),
  }))
