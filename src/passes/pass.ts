/**
 * A pass is a function from graph to graph; a pipeline is an ordered, literal list of them.
 *
 * The same object back means unchanged. A run leaves one record a pass: time, node counts, hits per
 * rule and the nearest miss of each, for the report and `--explain`.
 */
import type { Graph } from '../graph/graph.ts'
import { type NearMiss, newTrace, type RewriteTrace } from '../graph/rewrite.ts'

export interface Pass {
  readonly name: string
  /** One sentence: what it does. */
  readonly summary: string
  apply(graph: Graph, trace?: RewriteTrace): Graph
}

/** What a pass did. */
export interface PassRecord {
  readonly pass: string
  readonly ms: number
  readonly nodesBefore: number
  readonly nodesAfter: number
  readonly hits: Readonly<Record<string, number>>
  readonly misses: readonly NearMiss[]
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
      misses: [...trace.misses.values()],
    })
    current = next
  }
  return { graph: current, records }
}
