/**
 * A quantized graph of anybody as a graph of floats: weights stand for what their codes say, activations are not
 * rounded any more.
 *
 * One walk in topological order. Each operator that is known gives the float behind what it gives, or a reason; what
 * nobody reads any more goes. Operators with a reason stay as they are, and are told.
 */
import { type Attribute, type Graph, mapUses, type Node, subgraphs } from '../../graph/graph.ts'
import { pruneDead } from '../../graph/liveness.ts'
import { type RewriteTrace, recordHit, recordMiss } from '../../graph/rewrite-trace.ts'
import type { ReadTensor } from '../../graph/tensor.ts'
import type { Pass } from '../pass.ts'
import { blockProducts } from './block-products.ts'
import { type Convert, Dequantizer } from './dequantizer.ts'
import { integerProducts } from './integer-products.ts'
import { pairs } from './pairs.ts'
import { quantizedOperators } from './quantized-operators.ts'

const table: Readonly<Record<string, Convert>> = {
  ...pairs,
  ...integerProducts,
  ...blockProducts,
  ...quantizedOperators,
}

/** An operator that stayed, and why. */
export interface StillQuantized {
  readonly op: string
  readonly origin: string
  readonly reason: string
}

/** Names of operators that only a quantized model has. */
const quantizedOp =
  /^(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|MatMulInteger|ConvInteger|MatMulNBits|MatMulBnb4|MatMulFpQ4|GatherBlockQuantized|DynamicQuantize\w+|MatMulIntegerToFloat|QLinear\w+|QGemm|QAttention|QMoE|QOrdered\w+|QEmbed\w+)$/

/** Whether an operator computes with few bits. */
export const isQuantizedOp = ({ op }: Pick<Node, 'op'>): boolean => quantizedOp.test(op)

/** The graph in floats, and what could not be. */
export function dequantizeGraph(
  graph: Graph,
  read: ReadTensor,
  trace?: RewriteTrace,
): { readonly graph: Graph; readonly left: readonly StillQuantized[] } {
  const reasons = new Map<string, string>()
  const to = new Dequantizer(read)
  const converted = pruneDead(walk(graph, to, (node, reason) => reasons.set(keyOf(node), reason)))
  const left = quantizedNodes(converted).map((node) => {
    const reason = reasons.get(keyOf(node)) ?? reasonOf(node)
    return { op: node.op, origin: node.origin, reason }
  })
  const before = quantizedNodes(graph)
  if (before.length === 0) return { graph, left }
  if (trace) {
    const stays = new Set(left.map(({ op }) => op))
    for (const { op } of before) if (!stays.has(op)) recordHit(trace, `dequantize-${op}`, 1)
    for (const miss of left) recordMiss(trace, { rule: `dequantize-${miss.op}`, depth: 1, ...miss })
  }
  return { graph: left.length === before.length ? graph : converted, left }
}

/** The pass. */
export const dequantize = (read: ReadTensor): Pass => ({
  name: 'dequantize',
  summary: 'Writes quantized weights as the floats they stand for, and rounds no activation.',
  apply: (graph, trace) => dequantizeGraph(graph, read, trace).graph,
})

/** Nodes keep their outputs while they stay. */
const keyOf = (node: Node): string => `${node.op} ${node.outputs.map((value) => value?.name)}`

const reasonOf = ({ op }: Node): string =>
  Object.hasOwn(table, op) ? 'its output is read as it is' : 'the operator is not known'

const quantizedNodes = (graph: Graph): Node[] =>
  graph.nodes.flatMap((node) => [
    ...(isQuantizedOp(node) ? [node] : []),
    ...subgraphs(node).flatMap(quantizedNodes),
  ])

function walk(
  graph: Graph,
  to: Dequantizer,
  onReason: (node: Node, reason: string) => void,
): Graph {
  const outside = { nodes: to.nodes, made: to.made }
  to.nodes = []
  to.made = new Map()
  to.enter(graph.nodes, graph.weights)
  for (const node of graph.nodes) {
    to.at(node)
    const convert = Object.hasOwn(table, node.op) ? table[node.op] : undefined
    const done = convert?.(node, to)
    if (typeof done === 'string' && done !== '') onReason(node, done)
    to.nodes.push(withBodies(mapUses(node, to.resolve), (body) => walk(body, to, onReason)))
  }
  const result = {
    ...graph,
    nodes: to.nodes,
    weights: new Map([...graph.weights, ...to.made]),
    outputs: graph.outputs.map((port) => ({ ...port, value: to.resolve(port.value) })),
    taps: new Map([...graph.taps].map(([name, value]) => [name, to.resolve(value)])),
  }
  Object.assign(to, outside)
  return result
}

/** A node with its subgraphs converted. */
function withBodies(node: Node, convert: (body: Graph) => Graph): Node {
  if (subgraphs(node).length === 0) return node
  const entries = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.type === 'graph') {
      return [name, { type: 'graph', value: pruneDead(convert(attribute.value)) }]
    }
    if (attribute.type !== 'graphs') return [name, attribute]
    return [
      name,
      { type: 'graphs', value: attribute.value.map((body) => pruneDead(convert(body))) },
    ]
  })
  return { ...node, attributes: Object.fromEntries(entries) }
}
