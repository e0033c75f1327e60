/**
 * A whole graph written into another, such as a frozen teacher beside its student: its inputs become values
 * that are there, its parameters constants that nothing trains. Values of its own stay as they are.
 */
import type { GraphBuilder } from '../graph/builder.ts'
import { type Graph, mapUses, type Value } from '../graph/graph.ts'

/** What an inlined graph gives, by name. */
export interface Inlined {
  readonly outputs: Readonly<Record<string, Value>>
  readonly taps: ReadonlyMap<string, Value>
}

/** Writes `graph` at the module path `scope`. @param input the value that stands for an input of it. */
export function inlineGraph(
  b: GraphBuilder,
  graph: Graph,
  scope: string,
  input: (name: string) => Value,
): Inlined {
  const instead = new Map<Value, Value>()
  for (const { name, value } of graph.inputs) instead.set(value, input(name))
  for (const [value, { tensor }] of graph.weights) {
    instead.set(value, b.constant(tensor, `${scope}.${value.name}`))
  }
  const resolve = (value: Value): Value => instead.get(value) ?? value
  for (const node of graph.nodes) {
    b.add({ ...mapUses(node, resolve), origin: node.origin ? `${scope}.${node.origin}` : scope })
  }
  return {
    outputs: Object.fromEntries(graph.outputs.map(({ name, value }) => [name, resolve(value)])),
    taps: new Map([...graph.taps].map(([name, value]) => [name, resolve(value)])),
  }
}
