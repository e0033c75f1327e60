/**
 * The Gram matrices `Σ xᵀx` of all linear layers' inputs from one run over the calibration texts, by the name of the
 * layer's weight. Layers of one input share a matrix; a weight that is read more than once has the sum.
 */
import type { Graph, Value } from '../graph/graph.ts'
import { linearProducts } from '../passes/linear-layers.ts'
import { type Feeds, type ObserveOptions, observeGrams } from './observe.ts'

export interface LayerGramsOptions extends ObserveOptions {
  /** Layers to leave out, by the name of their parameter. */
  readonly skip?: ((name: string) => boolean) | undefined
}

export async function layerGrams(
  graph: Graph,
  batches: Iterable<Feeds>,
  options: LayerGramsOptions,
): Promise<Map<string, Float64Array>> {
  const inputs = new Map<string, Set<Value>>()
  for (const { name, x } of linearProducts(graph)) {
    if (options.skip?.(name)) continue
    inputs.set(name, (inputs.get(name) ?? new Set()).add(x))
  }
  const values = [...new Set([...inputs.values()].flatMap((each) => [...each]))]
  const found = await observeGrams(graph, values, batches, options)
  const gramOf = new Map(values.map((value, i) => [value, found[i]!]))
  return new Map(
    [...inputs].map(([name, each]) => {
      const [first, ...others] = [...each].map((value) => gramOf.get(value)!)
      if (others.length === 0) return [name, first!]
      return [name, first!.map((sum, i) => others.reduce((total, gram) => total + gram[i]!, sum))]
    }),
  )
}
