/**
 * Mutations that take a template away from what a rule expects, by one step: an extra consumer, an exposed
 * intermediate, swapped operands, a wrong constant, a wrong attribute, another value in place of one.
 *
 * A mutant may be no valid graph: the caller checks, and draws again.
 */
import { bytesOf, hostArray } from '../src/graph/data-type.ts'
import type { Attribute, Graph, Node, Value } from '../src/graph/graph.ts'
import type { Tensor } from '../src/graph/tensor.ts'
import { inferTypes } from '../src/ops/infer-types.ts'
import type { Random } from '../src/stats/random.ts'

type Mutator = (graph: Graph, random: Random) => Graph | undefined

const pick = <T>(items: readonly T[], random: Random): T | undefined =>
  items[random.below(items.length)]

const outputsOf = (graph: Graph): Value[] =>
  graph.nodes.flatMap((node) => node.outputs.filter((value) => value !== undefined))

const withOutput = (graph: Graph, value: Value): Graph => ({
  ...graph,
  outputs: [...graph.outputs, { name: `mutant${graph.outputs.length}`, value }],
})

const replaceNode = (graph: Graph, old: Node, node: Node): Graph => ({
  ...graph,
  nodes: graph.nodes.map((other) => (other === old ? node : other)),
})

/** A second reader of an inner value. */
const extraConsumer: Mutator = (graph, random) => {
  const value = pick(outputsOf(graph), random)
  if (!value) return undefined
  const read: Value = { name: 'read' }
  const float = inferTypes(graph).get(value)?.dtype === 'float32'
  const node: Node = {
    op: float ? 'Neg' : 'Shape',
    domain: '',
    inputs: [value],
    outputs: [read],
    attributes: {},
    origin: '',
  }
  return withOutput({ ...graph, nodes: [...graph.nodes, node] }, read)
}

/** An inner value becomes a graph output. */
const exposedIntermediate: Mutator = (graph, random) => {
  const value = pick(outputsOf(graph), random)
  return value && withOutput(graph, value)
}

const swappedOperands: Mutator = (graph, random) => {
  const node = pick(
    graph.nodes.filter((candidate) => candidate.inputs.length > 1),
    random,
  )
  if (!node) return undefined
  const from = random.below(node.inputs.length)
  const to = random.below(node.inputs.length)
  const inputs = node.inputs.with(from, node.inputs[to]).with(to, node.inputs[from])
  return from === to ? undefined : replaceNode(graph, node, { ...node, inputs })
}

/** Another number in a constant, or another shape of the same count. */
const wrongConstant: Mutator = (graph, random) => {
  const constants = [...graph.weights].filter(([, weight]) => !weight.parameter)
  const [value, weight] = pick(constants, random) ?? []
  if (!value || !weight) return undefined
  const tensor = wrongTensor(weight.tensor, random)
  return { ...graph, weights: new Map([...graph.weights, [value, { ...weight, tensor }]]) }
}

function wrongTensor(tensor: Tensor, random: Random): Tensor {
  if (tensor.source.kind !== 'inline') return tensor
  if (random.uniform() < 0.2) return { ...tensor, shape: [1, ...tensor.shape] }
  const data = hostArray(tensor.dtype, tensor.source.bytes).slice() as Float32Array | BigInt64Array
  const at = random.below(data.length)
  if (data instanceof BigInt64Array) {
    data[at] = pick([data[at]! + 1n, data[at]! - 1n, -1n, 0n, 1n], random)!
  } else data[at] = pick([data[at]! * 1.5 + 0.25, -data[at]!, 0, 1], random)!
  return { ...tensor, source: { kind: 'inline', bytes: bytesOf(data) } }
}

const wrongAttribute: Mutator = (graph, random) => {
  const node = pick(
    graph.nodes.filter((candidate) => Object.keys(candidate.attributes).length > 0),
    random,
  )
  const name = node && pick(Object.keys(node.attributes), random)
  if (!node || !name) return undefined
  const attribute = wrongValue(node.attributes[name]!, random)
  return replaceNode(graph, node, {
    ...node,
    attributes: { ...node.attributes, [name]: attribute },
  })
}

function wrongValue(attribute: Attribute, random: Random): Attribute {
  if (attribute.type === 'int') {
    return { type: 'int', value: Number(attribute.value) + (random.below(2) ? 1 : -1) }
  }
  if (attribute.type === 'float') return { type: 'float', value: attribute.value * 1.5 }
  if (attribute.type !== 'ints') return attribute
  const [first, ...others] = attribute.value
  return { type: 'ints', value: [...others, first!] }
}

/** A node reads another value of the same element type that stands before it. */
const otherValue: Mutator = (graph, random) => {
  const at = random.below(graph.nodes.length)
  const node = graph.nodes[at]!
  const input = random.below(Math.max(1, node.inputs.length))
  const types = inferTypes(graph)
  const typeOf = (value: Value) => types.get(value)?.dtype ?? value.type?.dtype
  const old = node.inputs[input]
  const before = [
    ...graph.inputs.map((port) => port.value),
    ...graph.nodes.slice(0, at).flatMap((earlier) => earlier.outputs),
  ].filter((value) => value && old && value !== old && typeOf(value) === typeOf(old))
  const value = pick(before, random)
  return value && replaceNode(graph, node, { ...node, inputs: node.inputs.with(input, value) })
}

/** Every mutation by name. */
export const mutators: Readonly<Record<string, Mutator>> = {
  extraConsumer,
  exposedIntermediate,
  swappedOperands,
  wrongConstant,
  wrongAttribute,
  otherValue,
}
