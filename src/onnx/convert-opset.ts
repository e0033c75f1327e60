/**
 * The engine of version conversion: a table says, for an operator, at which opset its form changed and
 * how a node gets over that step. `lift` climbs to the canonical opset, `lower` descends from it.
 *
 * A converter may put several nodes in the place of one; those are converted further in turn. The last
 * node keeps the original output values, so that no consumer changes.
 */
import { LimbeckError } from '../errors.ts'
import type { Attribute, Graph, Node, TensorType, Value, Weight } from '../graph/graph.ts'
import { inlineValues, type Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'

/** What a converter sees beside its node. */
export interface ConversionContext {
  /** A new constant of the graph at hand. */
  constant(tensor: Tensor, name?: string): Value
  /** The tensor behind a value that is known before the graph runs, in this graph or around it. */
  tensorOf(value: Value | undefined): Tensor | undefined
  /** Element type and shape of a value, as far as they follow from the graph before its conversion. */
  typeOf(value: Value | undefined): TensorType | undefined
  /** The integers of a constant value; undefined when it is no constant or stands in a file. */
  intsOf(value: Value | undefined): number[] | undefined
}

/** Takes a node over one change of its operator; the node itself when nothing is to be done. */
export type Converter = (node: Node, context: ConversionContext) => Node | readonly Node[]

/** One change of an operator: `since` is the opset that brought the newer form. */
export interface VersionStep {
  readonly since: number
  readonly convert: Converter
}

/** Steps by operator of ai.onnx, oldest first. */
export type VersionTable = Readonly<Record<string, readonly VersionStep[]>>

/** Picks the next step for an operator that stands at a version, and says where it stands after it. */
export type NextStep = (
  op: string,
  version: number,
) => { readonly step: VersionStep; readonly after: number } | undefined

/** Converts every node of ai.onnx, subgraphs included; the same graph when nothing changes. */
export const convertGraph = (graph: Graph, version: number, next: NextStep): Graph =>
  convertInside(graph, version, next, [], (value) => inferTypes(graph).get(value))

type Weights = Graph['weights']
type TypeOf = (value: Value) => TensorType | undefined

function convertInside(
  graph: Graph,
  version: number,
  next: NextStep,
  outer: readonly Weights[],
  typeOf: TypeOf,
): Graph {
  const added = new Map<Value, Weight>()
  const scopes = [graph.weights, added, ...outer]
  const context = contextOf(scopes, added, typeOf)
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    const inside = convertSubgraphs(node, (inner) =>
      convertInside(inner, version, next, scopes, typeOf),
    )
    nodes.push(...convertNode(inside, version, next, context))
  }
  if (nodes.length === graph.nodes.length && nodes.every((node, i) => node === graph.nodes[i])) {
    return graph
  }
  const weights = added.size === 0 ? graph.weights : new Map([...graph.weights, ...added])
  return { ...graph, nodes, weights }
}

function convertNode(
  node: Node,
  version: number,
  next: NextStep,
  context: ConversionContext,
): readonly Node[] {
  const found = node.domain === '' ? next(node.op, version) : undefined
  if (!found) return [node]
  const converted = found.step.convert(node, context)
  const nodes = Array.isArray(converted) ? (converted as Node[]) : [converted as Node]
  return nodes.flatMap((inner) => convertNode(inner, found.after, next, context))
}

function convertSubgraphs(node: Node, convert: (graph: Graph) => Graph): Node {
  let attributes: Record<string, Attribute> | undefined
  for (const [name, attribute] of Object.entries(node.attributes)) {
    let converted: Attribute = attribute
    if (attribute.type === 'graph') {
      const value = convert(attribute.value)
      if (value !== attribute.value) converted = { type: 'graph', value }
    } else if (attribute.type === 'graphs') {
      const value = attribute.value.map(convert)
      if (value.some((graph, i) => graph !== attribute.value[i])) {
        converted = { type: 'graphs', value }
      }
    }
    if (converted !== attribute) {
      attributes ??= { ...node.attributes }
      attributes[name] = converted
    }
  }
  return attributes ? { ...node, attributes } : node
}

function contextOf(
  scopes: readonly Weights[],
  added: Map<Value, Weight>,
  typeOf: TypeOf,
): ConversionContext {
  const tensorOf = (value: Value | undefined): Tensor | undefined => {
    if (!value) return undefined
    for (const weights of scopes) {
      const weight = weights.get(value)
      if (weight) return weight.tensor
    }
    return undefined
  }
  return {
    tensorOf,
    typeOf: (value) => value && (typeOf(value) ?? value.type ?? tensorOf(value)),
    constant: (tensor, name = 'constant') => {
      const value: Value = { name, type: { dtype: tensor.dtype, shape: tensor.shape } }
      added.set(value, { tensor })
      return value
    },
    intsOf: (value) => {
      const tensor = tensorOf(value)
      const values = tensor && inlineValues(tensor)
      return values && Array.from(values as ArrayLike<number | bigint>, Number)
    },
  }
}

/** The error of a node that has no form at a version. */
export function cannotConvert(node: Node, why: string, hint?: string): LimbeckError {
  const name = node.outputs.find((output) => output)?.name ?? ''
  const where = `Node ${node.op} '${node.origin || name}'`
  return new LimbeckError('graph', `${where}: ${why}.`, hint ? { hint } : {})
}

/** The node without some of its attributes. */
export function withoutAttributes(node: Node, ...names: readonly string[]): Node {
  if (!names.some((name) => name in node.attributes)) return node
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !names.includes(name)),
  )
  return { ...node, attributes }
}

/** The node with attributes added or replaced. */
export const withAttributes = (node: Node, attributes: Node['attributes']): Node => ({
  ...node,
  attributes: { ...node.attributes, ...attributes },
})

/** The inputs without absent ones at the end. */
export function trimmed(inputs: Node['inputs']): Node['inputs'] {
  let length = inputs.length
  while (length > 0 && !inputs[length - 1]) length--
  return length === inputs.length ? inputs : inputs.slice(0, length)
}

/** Writes the nodes that take the place of one: they share its origin. */
export class Replacement {
  readonly nodes: Node[] = []
  readonly #node: Node

  constructor(node: Node) {
    this.#node = node
  }

  /** Appends a node with one new output and returns that. */
  op(op: string, inputs: Node['inputs'], attributes: Node['attributes'] = {}): Value {
    const { origin, outputs } = this.#node
    const output: Value = { name: `${outputs[0]?.name ?? this.#node.op}.${op}` }
    this.nodes.push({ op, domain: '', inputs, outputs: [output], attributes, origin })
    return output
  }

  /** Appends the node that gives the original's output, and returns all nodes. */
  last(op: string, inputs: Node['inputs'], attributes: Node['attributes'] = {}): readonly Node[] {
    const { origin, outputs } = this.#node
    this.nodes.push({ op, domain: '', inputs, outputs: outputs.slice(0, 1), attributes, origin })
    return this.nodes
  }
}
