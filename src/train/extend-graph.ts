/** Adds nodes behind a graph's own: a loss, an update rule, a metric. */
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph } from '../graph/graph.ts'

/**
 * The graph with what `write` adds: inputs, nodes, constants and outputs; its values may be read.
 * @example
 * const { graph, result: loss } = extendGraph(model, (b) => crossEntropy(b, logits, labels))
 */
export function extendGraph<T>(
  graph: Graph,
  write: (b: GraphBuilder) => T,
): { graph: Graph; result: T } {
  const b = new GraphBuilder(graph.name)
  const result = write(b)
  const added = b.build()
  return {
    result,
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...added.inputs],
      outputs: [...graph.outputs, ...added.outputs],
      nodes: [...graph.nodes, ...added.nodes],
      weights: new Map([...graph.weights, ...added.weights]),
      opsets: new Map([...added.opsets, ...graph.opsets]),
      metadata: new Map([...graph.metadata, ...added.metadata]),
      taps: new Map([...graph.taps, ...added.taps]),
    },
  }
}
