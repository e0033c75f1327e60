/** Who makes and who reads each value of a graph: what structure is read from. */
import { type Graph, type Node, usedValues, type Value } from '../../graph/graph.ts'

export interface GraphLinks {
  producer(value: Value): Node | undefined
  /** Nodes that read the value, in order, each once. */
  readers(value: Value): readonly Node[]
  /** Place of a node in the graph. */
  position(node: Node): number
}

/** The links of a graph. */
export function graphLinks(graph: Graph): GraphLinks {
  const producers = new Map<Value, Node>()
  const readers = new Map<Value, Node[]>()
  const positions = new Map<Node, number>()
  graph.nodes.forEach((node, i) => {
    positions.set(node, i)
    for (const output of node.outputs) if (output) producers.set(output, node)
    for (const value of new Set(usedValues(node))) {
      const known = readers.get(value)
      if (known) known.push(node)
      else readers.set(value, [node])
    }
  })
  return {
    producer: (value) => producers.get(value),
    readers: (value) => readers.get(value) ?? [],
    position: (node) => positions.get(node)!,
  }
}

const cache = new WeakMap<Graph, GraphLinks>()

/** The same, kept as long as the graph is: for rules, which ask at many nodes. */
export function linksOf(graph: Graph): GraphLinks {
  const known = cache.get(graph) ?? graphLinks(graph)
  cache.set(graph, known)
  return known
}

/** Nodes from which `value` follows, nearest first, not beyond those for which `stop` is true. */
export function ancestors(
  value: Value,
  links: GraphLinks,
  stop: (node: Node) => boolean,
): { readonly inner: Node[]; readonly ends: Node[] } {
  const inner: Node[] = []
  const ends: Node[] = []
  const seen = new Set<Node>()
  const queue: Value[] = [value]
  for (let i = 0; i < queue.length; i++) {
    const node = links.producer(queue[i]!)
    if (!node || seen.has(node)) continue
    seen.add(node)
    if (stop(node)) {
      ends.push(node)
      continue
    }
    inner.push(node)
    queue.push(...usedValues(node))
  }
  return { inner, ends }
}
