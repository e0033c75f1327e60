/** The canonical linear layers of a graph, in order. */
import type { Graph, Node, Value, Weight } from '../graph/graph.ts'
import { linearWeight } from './linear-layer.ts'

export interface LinearProduct {
  readonly matmul: Node
  /** What it multiplies. */
  readonly x: Value
  readonly weight: Weight
  /** The parameter's name, or the value's. */
  readonly name: string
}

/** Every `MatMul(x, Transpose(W))`. */
export function linearProducts(graph: Graph): LinearProduct[] {
  const producers = new Map<Value, Node>()
  const context = {
    producer: (value: Value) => producers.get(value),
    weight: (value: Value) => graph.weights.get(value),
  }
  return graph.nodes.flatMap((matmul) => {
    for (const output of matmul.outputs) if (output) producers.set(output, matmul)
    const found = linearWeight(matmul, context)
    const [x] = matmul.inputs
    if (!found || !x) return []
    const name = found.weight.parameter?.name ?? found.value.name
    return [{ matmul, x, weight: found.weight, name }]
  })
}

/** Linear layers by what they multiply. */
export function layersByInput(graph: Graph): Map<Value, LinearProduct[]> {
  const groups = new Map<Value, LinearProduct[]>()
  for (const product of linearProducts(graph)) {
    const known = groups.get(product.x)
    if (known) known.push(product)
    else groups.set(product.x, [product])
  }
  return groups
}
