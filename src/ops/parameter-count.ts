/**
 * Parameters of a graph, tied ones once, and where they stand. Only shapes are read, never values.
 */
import { elementCount } from '../graph/data-type.ts'
import { type Graph, usedValues, type Value, type Weight } from '../graph/graph.ts'
import { layerOf, NO_LAYER } from './layer-of.ts'

export interface ParameterCount {
  readonly total: number
  /** By layer, in the graph's order; a tied parameter counts where it is read first. */
  readonly byLayer: ReadonlyMap<string, number>
}

/** What a weight counts as: equal names count once, undefined not at all. */
type CountedAs = (weight: Weight, value: Value) => string | undefined

/** A parameter by its name, or by that of those it is tied to. */
const byParameter: CountedAs = ({ parameter }) => parameter && (parameter.tie ?? parameter.name)

/** Types of shapes, indices and marks, which nobody learns. */
const structural: ReadonlySet<string> = new Set(['int64', 'int32', 'bool', 'string'])

/** In a file that does not say what is a parameter: every weight that holds more than one number. */
export const byWeight: CountedAs = ({ tensor }, { name }) =>
  structural.has(tensor.dtype) || elementCount(tensor.shape) < 2 ? undefined : name

/** Counts the parameters of a graph. */
export function parameterCount(graph: Graph, countedAs: CountedAs = byParameter): ParameterCount {
  const reader = new Map<Value, string>()
  for (const node of graph.nodes) {
    for (const value of usedValues(node)) {
      if (!reader.has(value)) reader.set(value, layerOf(node.origin))
    }
  }
  const counted = new Set<string>()
  const layers = new Map([...new Set(reader.values())].map((layer) => [layer, 0]))
  let total = 0
  for (const [value, weight] of graph.weights) {
    const name = countedAs(weight, value)
    if (name === undefined || counted.has(name)) continue
    counted.add(name)
    const layer = reader.get(value) ?? NO_LAYER
    const count = elementCount(weight.tensor.shape)
    layers.set(layer, (layers.get(layer) ?? 0) + count)
    total += count
  }
  return { total, byLayer: new Map([...layers].filter(([, count]) => count > 0)) }
}

/** Tables that tokens, positions and types are looked up in, as Hugging Face's checkpoints name them. */
const table = /embeddings\.weight$/

/** Parameters of a graph built from a checkpoint, all of them and without embeddings. */
export const parametersOf = (graph: Graph): { readonly total: number; readonly inner: number } => ({
  total: parameterCount(graph).total,
  inner: parameterCount(graph, (weight, value) =>
    table.test(weight.parameter?.name ?? '') ? undefined : byParameter(weight, value),
  ).total,
})
