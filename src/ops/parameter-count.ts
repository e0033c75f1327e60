/**
 * Parameters of a graph, tied ones once, and where they stand. Only shapes are read, never values.
 */
import { elementCount } from '../graph/data-type.ts'
import { type Graph, usedValues, type Value } from '../graph/graph.ts'
import { layerOf, NO_LAYER } from './layer-of.ts'

export interface ParameterCount {
  readonly total: number
  /** By layer, in the graph's order; a tied parameter counts where it is read first. */
  readonly byLayer: ReadonlyMap<string, number>
}

/** Counts the parameters of a logical graph. */
export function parameterCount(graph: Graph): ParameterCount {
  const reader = new Map<Value, string>()
  for (const node of graph.nodes) {
    for (const value of usedValues(node)) {
      if (!reader.has(value)) reader.set(value, layerOf(node.origin))
    }
  }
  const counted = new Set<string>()
  const layers = new Map([...new Set(reader.values())].map((layer) => [layer, 0]))
  let total = 0
  for (const [value, { parameter, tensor }] of graph.weights) {
    const name = parameter && (parameter.tie ?? parameter.name)
    if (name === undefined || counted.has(name)) continue
    counted.add(name)
    const layer = reader.get(value) ?? NO_LAYER
    const count = elementCount(tensor.shape)
    layers.set(layer, (layers.get(layer) ?? 0) + count)
    total += count
  }
  return { total, byLayer: new Map([...layers].filter(([, count]) => count > 0)) }
}
