/**
 * Types of every value of a graph, subgraphs included, in one sweep in topological order.
 *
 * Inference never throws: inputs that cannot go together become a problem with the node's words, and the
 * outputs stay unknown; the verifier throws. Where a file declares a type, the more exact account holds.
 * One result a graph, kept as long as the graph is.
 */
import type { Graph, Node, TensorType, Value } from '../graph/graph.ts'
import type { Knowledge } from '../graph/rewrite.ts'
import { type Dim, type Shape, shapeText, unifyDims } from '../graph/shape.ts'
import { typeOfTensor } from './infer/generators.ts'
import { Contradiction, type InferredType, typed } from './infer/infer-row.ts'
import { inferTable } from './infer/infer-table.ts'
import { knownOp } from './known.ts'

/** A node whose types contradict each other, or a declared type. */
export interface TypeProblem {
  readonly node: Node
  readonly message: string
}

/** What is known of a graph's values. */
export interface Types {
  get(value: Value): InferredType | undefined
  readonly problems: readonly TypeProblem[]
}

/** Finds the type of a value that stands outside what is being inferred. */
export type TypeLookup = (value: Value) => InferredType | undefined

const cache = new WeakMap<Graph, Types>()

/** Infers the types of all values; the same object for the same graph. */
export function inferTypes(graph: Graph): Types {
  let types = cache.get(graph)
  if (!types) {
    const inference = new Inference(() => undefined)
    inference.graph(graph, [])
    types = inference
    cache.set(graph, types)
  }
  return types
}

/** Types of one node's outputs, from those of the values it reads; unknown ones are undefined. */
export function inferNode(node: Node, lookup: TypeLookup): (InferredType | undefined)[] {
  const inference = new Inference(lookup)
  inference.node(node)
  return node.outputs.map((output) => output && inference.get(output))
}

/** What the rewriter knows while it sweeps: the graph's types, and those of nodes it adds. */
export function knowTypes(graph: Graph): Knowledge {
  const types = inferTypes(graph)
  const added = new Map<Value, InferredType>()
  const typeOf = (value: Value) => added.get(value) ?? types.get(value) ?? value.type
  return {
    typeOf,
    learn: (node) => {
      inferNode(node, typeOf).forEach((type, i) => {
        const output = node.outputs[i]
        if (output && type) added.set(output, type)
      })
    },
  }
}

class Inference implements Types {
  readonly problems: TypeProblem[] = []
  private readonly types = new Map<Value, InferredType>()
  private readonly outside: TypeLookup
  /** Symbols that the outside binds: a declared dimension of these is worth more than an opaque one. */
  private readonly symbols = new Set<string>()

  constructor(outside: TypeLookup) {
    this.outside = outside
  }

  get(value: Value): InferredType | undefined {
    return this.types.get(value)
  }

  graph(graph: Graph, given: readonly (InferredType | undefined)[]): (InferredType | undefined)[] {
    const top = given.length === 0 && this.symbols.size === 0
    graph.inputs.forEach(({ value }, i) => {
      const type = given[i] ?? value.type
      if (type) this.types.set(value, type)
      for (const dim of (top && type?.shape) || [])
        if (typeof dim === 'string') this.symbols.add(dim)
    })
    for (const [value, { tensor }] of graph.weights) this.types.set(value, typeOfTensor(tensor))
    for (const node of graph.nodes) this.node(node)
    return graph.outputs.map(({ value }) => this.lookup(value))
  }

  node(node: Node): void {
    const inferred = this.infer(node)
    node.outputs.forEach((output, i) => {
      if (!output) return
      const type = this.merge(node, output, inferred[i], output.type)
      if (type) this.types.set(output, type)
      else this.types.delete(output)
    })
  }

  private readonly lookup = (value: Value): InferredType | undefined =>
    this.types.get(value) ?? this.outside(value)

  private infer(node: Node): readonly (InferredType | undefined)[] {
    const op = knownOp(node)
    if (!op) return []
    try {
      return inferTable[op]({
        node,
        inputs: node.inputs.map((input) => input && this.lookup(input)),
        lookup: this.lookup,
        subgraph: (graph, inputs) => this.graph(graph, inputs),
      })
    } catch (error) {
      if (!(error instanceof Contradiction)) throw error
      this.problems.push({ node, message: error.message })
      return []
    }
  }

  /** The more exact of both accounts; numbers that differ are a problem, and inference holds. */
  private merge(
    node: Node,
    value: Value,
    inferred: InferredType | undefined,
    declared: TensorType | undefined,
  ): InferredType | undefined {
    if (!inferred || !declared) return inferred ?? declared
    const clash = (what: string) =>
      this.problems.push({ node, message: `${value.name} is declared ${what}` })
    if (inferred.dtype !== declared.dtype) {
      clash(`${declared.dtype} and comes out ${inferred.dtype}`)
      return inferred
    }
    if (!inferred.shape || !declared.shape) {
      return typed(inferred.dtype, inferred.shape ?? declared.shape, inferred.known)
    }
    const shape = this.mergeShapes(inferred.shape, declared.shape)
    if (!shape) clash(`${shapeText(declared.shape)} and comes out ${shapeText(inferred.shape)}`)
    return typed(inferred.dtype, shape ?? inferred.shape, inferred.known)
  }

  private mergeShapes(inferred: Shape, declared: Shape): Shape | undefined {
    if (inferred.length !== declared.length) return undefined
    const dims = inferred.map((dim, i) => this.mergeDims(dim, declared[i]!))
    return dims.every((dim) => dim !== undefined) ? (dims as Shape) : undefined
  }

  private mergeDims(inferred: Dim, declared: Dim): Dim | undefined {
    const opaque = typeof inferred === 'string' && inferred.includes('(')
    if (opaque && typeof declared === 'string' && this.symbols.has(declared)) return declared
    // exporters name axes carelessly: only numbers that differ are a contradiction
    const unified = unifyDims(inferred, declared)
    return unified === undefined && !(typeof inferred === 'number' && typeof declared === 'number')
      ? inferred
      : unified
  }
}
