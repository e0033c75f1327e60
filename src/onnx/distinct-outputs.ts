/**
 * Makes a graph say what a file can: each output is the result of a node of its own graph, under one name.
 *
 * An output that is an input, a weight, an outer value or the same value as another output gets an
 * Identity. Weights that nothing reads are dropped.
 */
import {
  type Attribute,
  type Graph,
  type Node,
  type Port,
  usedValues,
  type Value,
} from '../graph/graph.ts'

/** The graph, its subgraphs included, with distinct computed outputs and no unused weight. */
export function distinctOutputs(graph: Graph): Graph {
  const nodes = graph.nodes.map(distinctInside)
  const outputs: Port[] = []
  const free = new Set<Value>(nodes.flatMap((node) => node.outputs.filter((value) => !!value)))
  for (const port of graph.outputs) {
    if (free.delete(port.value)) {
      outputs.push(port)
      continue
    }
    const value: Value = {
      name: port.name,
      type: port.value.type,
      opaqueType: port.value.opaqueType,
    }
    outputs.push({ name: port.name, value })
    nodes.push({
      op: 'Identity',
      domain: '',
      inputs: [port.value],
      outputs: [value],
      attributes: {},
      origin: '',
    })
  }
  return { ...graph, nodes, outputs, weights: usedWeights(graph, nodes) }
}

function usedWeights(graph: Graph, nodes: readonly Node[]): Graph['weights'] {
  const used = new Set(nodes.flatMap(usedValues))
  const kept = [...graph.weights].filter(([value]) => used.has(value))
  return kept.length === graph.weights.size ? graph.weights : new Map(kept)
}

function distinctInside(node: Node): Node {
  const entries = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.type === 'graph')
      return [name, { type: 'graph', value: distinctOutputs(attribute.value) }]
    if (attribute.type !== 'graphs') return [name, attribute]
    return [name, { type: 'graphs', value: attribute.value.map(distinctOutputs) }]
  })
  const changed = entries.some(([name, attribute]) => attribute !== node.attributes[name])
  return changed ? { ...node, attributes: Object.fromEntries(entries) } : node
}
