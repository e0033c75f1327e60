/** Topological order of a file's nodes, which need not be sorted; what is sorted stays as it is. */
import { LimbeckError } from '../errors.ts'
import type { GraphProto, NodeProto } from './generated/onnx-ml.ts'

/**
 * The nodes of a graph so that each stands behind those it reads from. Names that no node of the graph
 * gives (inputs, weights, outer values) do not count.
 * @throws LimbeckError `graph` when a name is given twice or nodes read each other in a circle.
 */
export function sortNodes(graph: GraphProto, where: string): readonly NodeProto[] {
  const producer = new Map<string, number>()
  graph.node.forEach((node, i) => {
    for (const name of node.output) {
      if (name === '') continue
      if (producer.has(name)) {
        throw new LimbeckError('graph', `${where}: value '${name}' is given by two nodes.`)
      }
      producer.set(name, i)
    }
  })
  const needs = graph.node.map((node, i) => {
    const needed = new Set<number>()
    for (const name of namesRead(node)) {
      const from = producer.get(name)
      if (from !== undefined) needed.add(from)
    }
    if (needed.has(i)) throw circle(where, node)
    return needed
  })
  const sorted = needs.every((needed, i) => [...needed].every((from) => from < i))
  return sorted ? graph.node : depthFirst(graph.node, needs, where)
}

function depthFirst(
  nodes: readonly NodeProto[],
  needs: readonly ReadonlySet<number>[],
  where: string,
): NodeProto[] {
  const state = new Uint8Array(nodes.length)
  const order: NodeProto[] = []
  const open: { node: number; rest: Iterator<number> }[] = []
  const enter = (node: number): void => {
    state[node] = 1
    open.push({ node, rest: needs[node]!.values() })
  }
  for (let first = 0; first < nodes.length; first++) {
    if (state[first] === 0) enter(first)
    while (open.length > 0) {
      const { node, rest } = open.at(-1)!
      const { value: next, done } = rest.next()
      if (done) {
        state[node] = 2
        order.push(nodes[node]!)
        open.pop()
      } else if (state[next] === 1) throw circle(where, nodes[next]!)
      else if (state[next] === 0) enter(next)
    }
  }
  return order
}

const circle = (where: string, node: NodeProto): LimbeckError =>
  new LimbeckError('graph', `${where}: node '${node.name || node.opType}' depends on itself.`)

/** Names that a node reads, those its subgraphs take from outside included. */
export function namesRead(node: NodeProto): Set<string> {
  const read = new Set(node.input)
  for (const { g, graphs } of node.attribute) {
    for (const graph of g ? [g, ...graphs] : graphs) {
      for (const name of capturedNames(graph)) read.add(name)
    }
  }
  read.delete('')
  return read
}

function capturedNames(graph: GraphProto): Set<string> {
  const captured = new Set(graph.output.map(({ name }) => name))
  for (const node of graph.node) for (const name of namesRead(node)) captured.add(name)
  for (const { name } of graph.input) captured.delete(name)
  for (const { name } of graph.initializer) captured.delete(name)
  for (const node of graph.node) for (const name of node.output) captured.delete(name)
  return captured
}
