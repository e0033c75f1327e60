/**
 * What a graph computes and moves under given sizes: arithmetic and memory traffic, node by node.
 *
 * Shares by operator or by element type (how many of the multiply-accumulates run in INT8) follow from it.
 */

import type { Graph, Node, Value } from '../graph/graph.ts'
import { type Bindings, evaluateShape } from '../graph/shape.ts'
import { bytesOfType, type Cost, costTable, type SizedType } from './cost/cost-table.ts'
import { inferTypes, type TypeLookup } from './infer-types.ts'
import { knownOp } from './known.ts'

/** Costs of the nodes, their sum, and the nodes of which nothing can be said. */
export interface GraphCost {
  readonly nodes: ReadonlyMap<Node, Cost>
  readonly total: Cost
  /** Unknown operators, control flow, and shapes that the bindings leave open. */
  readonly unknown: readonly Node[]
}

/** The cost of one node; undefined where its operator or a shape is not known. */
export function nodeCost(node: Node, typeOf: TypeLookup, bindings: Bindings): Cost | undefined {
  const op = knownOp(node)
  const sized = (value: Value | undefined): SizedType | undefined => {
    const type = value && typeOf(value)
    const shape = type && evaluateShape(type.shape, bindings)
    return type && shape && { dtype: type.dtype, shape }
  }
  const inputs = node.inputs.map(sized)
  const outputs = node.outputs.map(sized)
  const complete = (values: readonly (Value | undefined)[], types: readonly unknown[]) =>
    values.every((value, i) => !value || types[i])
  if (!op || !complete(node.inputs, inputs) || !complete(node.outputs, outputs)) return undefined
  const cost = costTable[op]({ node, inputs, outputs })
  const total = (types: readonly (SizedType | undefined)[]) =>
    types.reduce((sum, type) => sum + bytesOfType(type), 0)
  return (
    cost && { macs: 0, flops: 0, bytesRead: total(inputs), bytesWritten: total(outputs), ...cost }
  )
}

/**
 * The cost of one run of a graph, symbols bound to sizes.
 * @example
 * graphCost(graph, { batch_size: 1, sequence_length: 128 }).total.macs
 */
export function graphCost(graph: Graph, bindings: Bindings): GraphCost {
  const types = inferTypes(graph)
  const nodes = new Map<Node, Cost>()
  const unknown: Node[] = []
  const total = { macs: 0, flops: 0, bytesRead: 0, bytesWritten: 0 }
  for (const node of graph.nodes) {
    const cost = nodeCost(node, (value) => types.get(value), bindings)
    if (!cost) {
      unknown.push(node)
      continue
    }
    nodes.set(node, cost)
    total.macs += cost.macs
    total.flops += cost.flops
    total.bytesRead += cost.bytesRead
    total.bytesWritten += cost.bytesWritten
  }
  return { nodes, total, unknown }
}

/**
 * Operations of one run as a function of its sizes: for a graph that is asked for many. Nodes of which nothing
 * can be said count nothing.
 */
export function graphFlops(graph: Graph): (bindings: Bindings) => number {
  const types = inferTypes(graph)
  const typeOf: TypeLookup = (value) => types.get(value)
  return (bindings) =>
    graph.nodes.reduce((sum, node) => sum + (nodeCost(node, typeOf, bindings)?.flops ?? 0), 0)
}
