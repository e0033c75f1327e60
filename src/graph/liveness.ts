/**
 * Dead code: what no output needs is not part of the graph.
 *
 * One sweep from the outputs backwards; what a subgraph captures counts as a use. Taps and calibration
 * notes are not uses: they are dropped with the value they speak of.
 */
import { type Graph, usedValues, type Value } from './graph.ts'

/** The graph without nodes and weights that no output needs; the same object when all are needed. */
export function pruneDead(graph: Graph): Graph {
  const live = new Set<Value>(graph.outputs.map((port) => port.value))
  const nodes = graph.nodes.filter(() => true)
  let kept = nodes.length
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    if (node.outputs.some((output) => output && live.has(output))) {
      for (const value of usedValues(node)) live.add(value)
    } else {
      kept--
      nodes[i] = undefined as never
    }
  }
  const deadWeights = [...graph.weights.keys()].some((value) => !live.has(value))
  if (kept === nodes.length && !deadWeights) return graph
  return keepNotes({
    ...graph,
    nodes: nodes.filter((node) => node !== undefined),
    weights: new Map([...graph.weights].filter(([value]) => live.has(value))),
  })
}

/** Drops taps and calibration notes of values that are no longer in the graph. */
function keepNotes(graph: Graph): Graph {
  const present = new Set<Value>(graph.inputs.map((port) => port.value))
  for (const value of graph.weights.keys()) present.add(value)
  for (const node of graph.nodes) for (const output of node.outputs) if (output) present.add(output)
  return {
    ...graph,
    taps: new Map([...graph.taps].filter(([, value]) => present.has(value))),
    quantization: new Map([...graph.quantization].filter(([value]) => present.has(value))),
  }
}
