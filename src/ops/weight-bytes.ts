/**
 * Bytes of a graph's weights by the layer that reads them first, as they are stored: what a file's size is
 * made of. Only types and shapes are read, never values.
 */
import { byteLength, elementCount } from '../graph/data-type.ts'
import { type Graph, usedValues, type Value } from '../graph/graph.ts'
import { layerOf, NO_LAYER } from './layer-of.ts'

/** Bytes by layer, in the order in which the graph reads them. */
export function weightBytes(graph: Graph): Map<string, number> {
  const layers = new Map<string, number>()
  const counted = new Set<Value>()
  const add = (value: Value, layer: string): void => {
    const weight = graph.weights.get(value)
    if (!weight || counted.has(value)) return
    counted.add(value)
    const { dtype, shape } = weight.tensor
    layers.set(layer, (layers.get(layer) ?? 0) + byteLength(dtype, elementCount(shape)))
  }
  for (const node of graph.nodes) {
    for (const value of usedValues(node)) add(value, layerOf(node.origin))
  }
  for (const value of graph.weights.keys()) add(value, NO_LAYER)
  return layers
}
