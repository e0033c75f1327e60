/**
 * Graphs, from the file's messages: names become identities, once a name is given it is one value, and a
 * subgraph sees the values around it.
 */
import { LimbeckError } from '../errors.ts'
import type {
  Attribute,
  Attributes,
  Graph,
  Node,
  Port,
  TensorType,
  Value,
  Weight,
} from '../graph/graph.ts'
import { emptyGraph } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { constantTensor } from './constant-node.ts'
import { decodeAttribute } from './decode-attribute.ts'
import { decodeTensor, type TensorContext } from './decode-tensor.ts'
import { decodeType } from './decode-type.ts'
import type { GraphProto, NodeProto, TypeProto, ValueInfoProto } from './generated/onnx-ml.ts'
import { originOf } from './node-origin.ts'
import { sortNodes } from './sort-nodes.ts'

/** `''` and its long form are one domain. */
export const domainName = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)

/** Values by name: those of a graph, then those around it. */
class Scope {
  readonly values = new Map<string, Value>()
  readonly outer: Scope | undefined

  constructor(outer: Scope | undefined) {
    this.outer = outer
  }

  find(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.outer) {
      const value = scope.values.get(name)
      if (value) return value
    }
    return undefined
  }
}

/**
 * The graph of a message, in the order of its data flow.
 * @throws LimbeckError `graph` for a value given twice or never, or a circle; `file` for a broken tensor.
 */
export function decodeGraph(proto: GraphProto, context: TensorContext, outer?: Scope): Graph {
  const where = `${context.source.name}: graph '${proto.name}'`
  if (proto.sparseInitializer.length > 0) {
    const name = proto.sparseInitializer[0]?.values?.name ?? ''
    throw new LimbeckError('file', `${where}: sparse initializer '${name}' is not supported.`, {
      hint: 'Export the model with dense initializers.',
    })
  }
  const scope = new Scope(outer)
  const types = typesByName(proto)
  const declare: Declare = (name, type) => {
    if (scope.values.has(name)) {
      throw new LimbeckError('graph', `${where}: value '${name}' is given twice.`)
    }
    const value: Value = { name, ...(type ? { type } : decodeType(types.get(name))) }
    scope.values.set(name, value)
    return value
  }
  const weights = declareWeights(proto, context, declare)
  const inputs: Port[] = []
  // before IR version 4 every initializer was an input too: it is a constant all the same
  for (const { name } of proto.input) {
    if (!weights.has(scope.values.get(name)!)) inputs.push({ name, value: declare(name) })
  }
  const decoder = new NodeDecoder(where, scope, context)
  const nodes: NodeProto[] = []
  for (const node of sortNodes(proto, where)) {
    const tensor = decoder.constant(node)
    if (tensor) {
      const { dtype, shape } = tensor
      weights.set(declare(node.output[0]!, { dtype, shape }), { tensor })
      continue
    }
    nodes.push(node)
    for (const name of node.output) if (name !== '') declare(name)
  }
  return {
    ...emptyGraph(proto.name),
    inputs,
    weights,
    nodes: nodes.map((node) => decoder.node(node)),
    outputs: proto.output.map((info) => decoder.output(info)),
  }
}

/** Makes the value of a name; its type is the given one, else what the graph declares. */
type Declare = (name: string, type?: TensorType) => Value

function declareWeights(
  proto: GraphProto,
  context: TensorContext,
  declare: Declare,
): Map<Value, Weight> {
  const weights = new Map<Value, Weight>()
  for (const initializer of proto.initializer) {
    const tensor = decodeTensor(initializer, context)
    const { dtype, shape } = tensor
    weights.set(declare(initializer.name, { dtype, shape }), { tensor })
  }
  return weights
}

function typesByName(proto: GraphProto): Map<string, TypeProto> {
  const types = new Map<string, TypeProto>()
  const add = ({ name, type }: ValueInfoProto): void => {
    if (type) types.set(name, type)
  }
  proto.valueInfo.forEach(add)
  proto.output.forEach(add)
  proto.input.forEach(add)
  return types
}

/** Decodes the nodes of one graph. */
class NodeDecoder {
  readonly #where: string
  readonly #scope: Scope
  readonly #context: TensorContext

  constructor(where: string, scope: Scope, context: TensorContext) {
    this.#where = where
    this.#scope = scope
    this.#context = context
  }

  node(proto: NodeProto): Node {
    return {
      op: proto.opType,
      domain: domainName(proto.domain),
      inputs: proto.input.map((name) => this.#read(name, proto)),
      outputs: proto.output.map((name) => this.#scope.values.get(name)),
      attributes: this.#attributes(proto),
      origin: originOf(proto),
    }
  }

  /** The tensor of a Constant node: such a node becomes a weight. */
  constant(proto: NodeProto): Tensor | undefined {
    const isConstant = proto.opType === 'Constant' && domainName(proto.domain) === ''
    return isConstant && proto.output[0] ? constantTensor(this.#attributes(proto)) : undefined
  }

  #attributes(proto: NodeProto): Attributes {
    const entries = proto.attribute.map((attribute): [string, Attribute] => [
      attribute.name,
      decodeAttribute(attribute, {
        tensor: (tensor) => decodeTensor(tensor, this.#context),
        graph: (graph) => decodeGraph(graph, this.#context, this.#scope),
      }),
    ])
    return Object.fromEntries(entries)
  }

  output({ name }: ValueInfoProto): Port {
    const value = this.#scope.find(name)
    if (value) return { name, value }
    throw new LimbeckError('graph', `${this.#where}: no node gives its output '${name}'.`)
  }

  #read(name: string, node: NodeProto): Value | undefined {
    if (name === '') return undefined
    const value = this.#scope.find(name)
    if (value) return value
    throw new LimbeckError(
      'graph',
      `${this.#where}: node ${node.opType} '${node.name}' reads '${name}', which nothing gives.`,
    )
  }
}
