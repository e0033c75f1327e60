/** Which of some values another follows from next. */
import { type Graph, type Node, usedValues, type Value } from '../../graph/graph.ts'

/** The numbered values that a value follows from, each without another between. */
export function nearestBefore(
  graph: Graph,
  value: Value,
  numbers: ReadonlyMap<Value, number>,
): number[] {
  const producers = producersOf(graph)
  const found = new Set<number>()
  const seen = new Set<Value>()
  const first = producers.get(value)
  const queue = first ? usedValues(first) : []
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const number = numbers.get(next)
    const node = producers.get(next)
    if (number !== undefined) found.add(number)
    else if (node) queue.push(...usedValues(node))
  }
  return [...found]
}

const known = new WeakMap<Graph, Map<Value, Node>>()

function producersOf(graph: Graph): Map<Value, Node> {
  let producers = known.get(graph)
  if (!producers) {
    producers = new Map()
    for (const node of graph.nodes)
      for (const made of node.outputs) if (made) producers.set(made, node)
    known.set(graph, producers)
  }
  return producers
}
