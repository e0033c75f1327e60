/**
 * Graphs as the file's messages. Values get their names here: graph inputs and outputs keep theirs, all
 * others are unique over the graph and its subgraphs.
 */
import { create } from '@bufbuild/protobuf'
import { LimbeckError } from '../errors.ts'
import type { Attribute, Graph, Node, TensorType, Value } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { copyMessage } from './copy-message.ts'
import { encodeTensor } from './encode-tensor.ts'
import { encodeValueInfo, hasType } from './encode-type.ts'
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  type NodeProto,
  NodeProtoSchema,
} from './generated/onnx-ml.ts'
import { UniqueNames } from './unique-names.ts'

/** Encodes the graphs of one file. */
export class GraphEncoder {
  readonly #values = new UniqueNames()
  readonly #nodes = new UniqueNames()
  readonly #names = new Map<Value, string>()
  readonly #read: ReadTensor
  readonly #typeOf: (value: Value) => TensorType | undefined

  /** `typeOf` finds the types of inputs and outputs that declare none: a file must name them. */
  constructor(read: ReadTensor, typeOf: (value: Value) => TensorType | undefined) {
    this.#read = read
    this.#typeOf = typeOf
  }

  /**
   * The main graph without its initializers.
   * @throws LimbeckError `graph` when two inputs or outputs have one name.
   */
  main(graph: Graph): GraphProto {
    for (const { name, value } of [...graph.inputs, ...graph.outputs]) {
      if (name === '' || !this.#values.reserve(name)) {
        throw new LimbeckError(
          'graph',
          `Graph '${graph.name}': expected inputs and outputs with names of their own, got '${name}' twice.`,
        )
      }
      this.#names.set(value, name)
    }
    const proto = this.#graph(graph)
    graph.outputs.forEach(({ name, value }, i) => {
      const type = hasType(value) ? undefined : this.#typeOf(value)
      if (type) proto.output[i] = encodeValueInfo(name, { name, type })
    })
    return proto
  }

  /** The name that the file gives a value. */
  nameOf(value: Value): string {
    let name = this.#names.get(value)
    if (name === undefined) {
      name = this.#values.unique(value.name)
      this.#names.set(value, name)
    }
    return name
  }

  #graph(graph: Graph): GraphProto {
    for (const value of graph.weights.keys()) this.nameOf(value)
    const ports = new Set([...graph.inputs, ...graph.outputs].map((port) => port.value))
    const info = (value: Value) => encodeValueInfo(this.nameOf(value), value)
    const proto = create(GraphProtoSchema, {
      name: graph.name || 'graph',
      input: graph.inputs.map((port) => info(port.value)),
    })
    for (const node of graph.nodes) {
      // outputs are named before subgraphs inside the node, which cannot see them
      proto.node.push(this.#node(node))
      for (const output of node.outputs) {
        if (output && hasType(output) && !ports.has(output)) proto.valueInfo.push(info(output))
      }
    }
    proto.output = graph.outputs.map((port) => info(port.value))
    return proto
  }

  #subgraph(graph: Graph): GraphProto {
    for (const { name, value } of [...graph.inputs, ...graph.outputs]) {
      this.#names.set(value, this.#values.unique(name || value.name))
    }
    const proto = this.#graph(graph)
    proto.initializer = [...graph.weights].map(([value, { tensor }]) =>
      encodeTensor(this.nameOf(value), tensor, this.#read),
    )
    return proto
  }

  #node(node: Node): NodeProto {
    const nameOf = (value: Value | undefined): string => (value ? this.nameOf(value) : '')
    const proto = create(NodeProtoSchema, {
      name: this.#nodes.unique(node.origin ? `${node.origin}/${node.op}` : node.op),
      opType: node.op,
      input: node.inputs.map(nameOf),
      output: node.outputs.map(nameOf),
    })
    if (node.domain !== '') proto.domain = node.domain
    for (const [name, attribute] of Object.entries(node.attributes)) {
      proto.attribute.push(this.#attribute(name, attribute))
    }
    return proto
  }

  #attribute(name: string, attribute: Attribute): AttributeProto {
    const proto = create(AttributeProtoSchema, { name })
    if (attribute.type === 'opaque') return copyMessage(attribute.value as AttributeProto, { name })
    const fill = this.#fill[attribute.type] as (proto: AttributeProto, value: unknown) => void
    fill(proto, attribute.value)
    return proto
  }

  readonly #fill: {
    readonly [K in Exclude<Attribute['type'], 'opaque'>]: (
      proto: AttributeProto,
      value: Extract<Attribute, { type: K }>['value'],
    ) => void
  } = {
    int: (proto, value) => {
      proto.type = Kind.INT
      proto.i = BigInt(value)
    },
    float: (proto, value) => {
      proto.type = Kind.FLOAT
      proto.f = value
    },
    string: (proto, value) => {
      proto.type = Kind.STRING
      proto.s = utf8(value)
    },
    tensor: (proto, value) => {
      proto.type = Kind.TENSOR
      proto.t = encodeTensor('', value, this.#read)
    },
    graph: (proto, value) => {
      proto.type = Kind.GRAPH
      proto.g = this.#subgraph(value)
    },
    ints: (proto, value) => {
      proto.type = Kind.INTS
      proto.ints = value.map(BigInt)
    },
    floats: (proto, value) => {
      proto.type = Kind.FLOATS
      proto.floats = [...value]
    },
    strings: (proto, value) => {
      proto.type = Kind.STRINGS
      proto.strings = value.map(utf8)
    },
    graphs: (proto, value) => {
      proto.type = Kind.GRAPHS
      proto.graphs = value.map((graph) => this.#subgraph(graph))
    },
  }
}

const encoder = new TextEncoder()
const utf8 = (text: string): Uint8Array => encoder.encode(text)
