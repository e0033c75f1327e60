/**
 * The linear layers whose product is an answer of the graph: nothing else is mixed with it on its way out but a
 * bias. A range found from some texts clips what no text reached; within a model a normalization makes up for it,
 * behind the last layer nothing does.
 */
import type { Graph, Node, Value } from '../graph/graph.ts'
import { linearProducts } from './linear-layers.ts'

/** Operators that move or bend one value. */
const passing: ReadonlySet<string> = new Set([
  ...['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Transpose', 'Split', 'Slice', 'Gather'],
  ...['Identity', 'Cast', 'Sigmoid', 'Tanh', 'Softmax'],
])

/** The products that are answers. */
export function answerProducts(graph: Graph): ReadonlySet<Node> {
  const producers = new Map<Value, Node>()
  for (const node of graph.nodes) for (const out of node.outputs) if (out) producers.set(out, node)
  const products = new Set(linearProducts(graph).map(({ matmul }) => matmul))
  const origin = (value: Value | undefined): Node | undefined => {
    const node = value && producers.get(value)
    if (!node || products.has(node)) return node
    if (passing.has(node.op)) return origin(node.inputs[0])
    const computed = node.inputs.filter((input) => input && !graph.weights.has(input))
    return node.op === 'Add' && computed.length === 1 ? origin(computed[0]) : undefined
  }
  return new Set(graph.outputs.flatMap(({ value }) => origin(value) ?? []))
}
