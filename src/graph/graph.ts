/**
 * The graph: immutable plain data in the shape of ONNX, with values known by identity.
 *
 * A value is an object; two values with one name are two values. Names are hints that the writer makes
 * unique, except those of graph inputs and outputs, which are the contract with the outside. Nodes stand
 * in topological order. Inside, `ai.onnx` always has the canonical opset: readers lift, writers lower.
 */
import type { DataType } from './data-type.ts'
import type { Shape } from './shape.ts'
import type { Tensor } from './tensor.ts'

/** The opset of the default domain in which every graph in memory is written. */
export const CANONICAL_OPSET = 24

/** Element type and shape of a tensor value; an absent shape means the rank is unknown. */
export interface TensorType {
  readonly dtype: DataType
  readonly shape?: Shape | undefined
}

/** One edge of the graph. Identity is the object; the name is a hint. */
export interface Value {
  readonly name: string
  /** Declared type, where the file or the builder gave one; `inferTypes` knows more. */
  readonly type?: TensorType | undefined
  /** A type that is no tensor (sequence, map, optional), as its reader keeps it. */
  readonly opaqueType?: unknown
}

export type Attribute =
  | { readonly type: 'int'; readonly value: number | bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  /** An attribute kind we do not interpret, as its reader keeps it. */
  | { readonly type: 'opaque'; readonly value: unknown }

export type Attributes = Readonly<Record<string, Attribute>>

/**
 * Bits of integer weights, stored in bytes: symmetric codes lie in ±(2^(bits−1) − 1). 7 (±64) keeps u8×s8 sums exact on
 * CPUs that saturate; fewer are no smaller, and tell what a model bears (Q8BERT's sweep).
 */
export type WeightBits = 4 | 5 | 6 | 7 | 8

/** 8-bit codes of one scale for the tensor, for each output column, or for each row of a table. */
export interface IntegerQuantization {
  /** `dynamic`: activations quantized at run time, per tensor. `weight-only`: weights alone. */
  readonly scheme: 'dynamic' | 'weight-only'
  readonly bits: 8
  readonly weightBits: WeightBits
  readonly granularity: 'tensor' | 'column' | 'row'
  /** Range of the activations at run time: of the whole tensor (default), or of each token alone. */
  readonly activations?: 'tensor' | 'token'
}

/** Weights alone, in blocks along each row of the stored `[out, in]` matrix or of a table. */
export interface BlockQuantizationNote {
  readonly scheme: 'blocks'
  readonly weightBits: 4 | 8
  readonly block: number
  readonly symmetric: boolean
  /** What the kernel computes with: 4 is int8 activations, quantized by row and block; 0 is float32. */
  readonly accuracyLevel: 0 | 4
  /** Codes found otherwise than by rounding to the nearest (GPTQ), laid out as the kernel wants them. */
  readonly parts?: {
    readonly codes: Tensor
    readonly scales: Tensor
    readonly zeroPoints: Tensor | undefined
  }
}

/** How a static layer is written: ONNX Runtime's fused kernel, pairs around a float product, or QLinearMatMul. */
export type StaticForm = 'cpu' | 'qdq' | 'qoperator'

/** 8-bit codes of weights, and of activations by a range known before. */
export interface StaticQuantizationNote {
  readonly scheme: 'static'
  readonly weightBits: WeightBits
  readonly granularity: 'tensor' | 'column'
  readonly input: ValueQuantization
  /** Of the product before its bias: `qoperator` alone needs it. */
  readonly output?: ValueQuantization
  /** The lowering's own choice where absent. */
  readonly form?: StaticForm
}

/** How a node is to be computed with few bits; the lowering chooses kernels from it. */
export type NodeQuantization = IntegerQuantization | BlockQuantizationNote | StaticQuantizationNote

/** What is known of a value's numbers (calibration), for static quantization. */
export interface ValueQuantization {
  readonly min: number
  readonly max: number
}

/** One operator applied to values. */
export interface Node {
  readonly op: string
  /** `''` is ai.onnx. */
  readonly domain: string
  /** Absent optional inputs are `undefined`. */
  readonly inputs: readonly (Value | undefined)[]
  readonly outputs: readonly (Value | undefined)[]
  readonly attributes: Attributes
  /** Module path it came from, e.g. `encoder.layer.3.attention.self.query`; survives rewriting. */
  readonly origin: string
  readonly quantization?: NodeQuantization | undefined
}

/** A parameter of the model, as distinct from a constant of the graph. */
export interface Parameter {
  /** Its name in the checkpoint (Hugging Face). */
  readonly name: string
  /** Parameters of one tie group share their values. */
  readonly tie?: string | undefined
  /** A frozen parameter stays an initializer in training graphs. */
  readonly frozen?: boolean | undefined
}

/** A value known before the graph runs: a constant, or a parameter in its stored layout. */
export interface Weight {
  readonly tensor: Tensor
  readonly parameter?: Parameter | undefined
}

/** A graph input or output: the name the outside knows and the value behind it. */
export interface Port {
  readonly name: string
  readonly value: Value
}

export interface Graph {
  readonly name: string
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly nodes: readonly Node[]
  readonly weights: ReadonlyMap<Value, Weight>
  /** Versions of the other domains in use; `''` is CANONICAL_OPSET unless the graph is lowered. */
  readonly opsets: ReadonlyMap<string, number>
  /** Properties of the model that travel with the file (`limbeck.*`). */
  readonly metadata: ReadonlyMap<string, string>
  /** Named inner values (hidden states, scores, Q/K/V) that distillation and reports address. */
  readonly taps: ReadonlyMap<string, Value>
  readonly quantization: ReadonlyMap<Value, ValueQuantization>
  /** Model-local functions, as their reader keeps them (inlined before passes that need to see inside). */
  readonly functions?: readonly unknown[] | undefined
}

/** A graph with nothing in it. */
export const emptyGraph = (name: string): Graph => ({
  name,
  inputs: [],
  outputs: [],
  nodes: [],
  weights: new Map(),
  opsets: new Map([['', CANONICAL_OPSET]]),
  metadata: new Map(),
  taps: new Map(),
  quantization: new Map(),
})

/** The graphs held by a node's attributes. */
export function subgraphs(node: Node): Graph[] {
  const found: Graph[] = []
  for (const key in node.attributes) {
    const attribute = node.attributes[key]!
    if (attribute.type === 'graph') found.push(attribute.value)
    else if (attribute.type === 'graphs') found.push(...attribute.value)
  }
  return found
}

/** Every value a node reads, what its subgraphs capture from outside included. */
export function usedValues(node: Node): Value[] {
  const used: Value[] = []
  for (const input of node.inputs) if (input) used.push(input)
  for (const graph of subgraphs(node)) used.push(...capturedValues(graph))
  return used
}

/** The outer values that a subgraph reads. */
export function capturedValues(graph: Graph): Value[] {
  const own = new Set<Value>(graph.inputs.map((port) => port.value))
  for (const value of graph.weights.keys()) own.add(value)
  const captured: Value[] = []
  for (const node of graph.nodes) {
    for (const value of usedValues(node)) if (!own.has(value)) captured.push(value)
    for (const output of node.outputs) if (output) own.add(output)
  }
  for (const port of graph.outputs) if (!own.has(port.value)) captured.push(port.value)
  return captured
}

/** The node with its reads mapped (inside subgraphs too); the same object when nothing changed. */
export function mapUses(node: Node, map: (value: Value) => Value): Node {
  let changed = false
  const inputs = node.inputs.map((input) => {
    const mapped = input && map(input)
    if (mapped !== input) changed = true
    return mapped
  })
  let attributes: Record<string, Attribute> | undefined
  for (const key in node.attributes) {
    const attribute = node.attributes[key]!
    if (attribute.type !== 'graph' && attribute.type !== 'graphs') continue
    const graphs = attribute.type === 'graph' ? [attribute.value] : attribute.value
    const mapped = graphs.map((graph) => mapGraphUses(graph, map))
    if (mapped.every((graph, i) => graph === graphs[i])) continue
    attributes ??= { ...node.attributes }
    attributes[key] =
      attribute.type === 'graph'
        ? { type: 'graph', value: mapped[0]! }
        : { type: 'graphs', value: mapped }
  }
  if (!changed && !attributes) return node
  return { ...node, inputs, attributes: attributes ?? node.attributes }
}

/** The graph with every value it reads mapped; its own values are expected to map to themselves. */
function mapGraphUses(graph: Graph, map: (value: Value) => Value): Graph {
  const nodes = graph.nodes.map((node) => mapUses(node, map))
  const outputs = graph.outputs.map((port) => {
    const value = map(port.value)
    return value === port.value ? port : { ...port, value }
  })
  const same =
    nodes.every((node, i) => node === graph.nodes[i]) &&
    outputs.every((port, i) => port === graph.outputs[i])
  return same ? graph : { ...graph, nodes, outputs }
}
