/**
 * Builds a graph node by node: families, lowerings, gradients and tests all write through this.
 *
 * `scope` names the module that the nodes inside belong to (their origin); `tap` makes an inner value
 * addressable. Values carry no type unless given: `inferTypes` finds them.
 */

import type { DataType } from './data-type.ts'
import {
  type Attributes,
  emptyGraph,
  type Graph,
  type Node,
  type Parameter,
  type Port,
  type Value,
  type Weight,
} from './graph.ts'
import { type NodeOptions, newNode } from './new-node.ts'
import type { Shape } from './shape.ts'
import { int64Tensor, type Tensor } from './tensor.ts'

export class GraphBuilder {
  private readonly inputs: Port[] = []
  private readonly outputs: Port[] = []
  private readonly nodes: Node[] = []
  private readonly weights = new Map<Value, Weight>()
  private readonly taps = new Map<string, Value>()
  private readonly metadata = new Map<string, string>()
  private readonly opsets = new Map(emptyGraph('').opsets)
  private readonly parameters = new Map<string, Value>()
  private readonly path: string[] = []
  private readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** Module path of the nodes made now. */
  get origin(): string {
    return this.path.join('.')
  }

  /** Runs `body` with `part` appended to the module path. */
  scope<T>(part: string, body: () => T): T {
    this.path.push(part)
    try {
      return body()
    } finally {
      this.path.pop()
    }
  }

  /** Declares a graph input. */
  input(name: string, dtype: DataType, shape: Shape): Value {
    const value: Value = { name, type: { dtype, shape } }
    this.inputs.push({ name, value })
    return value
  }

  /** A constant of the graph. */
  constant(tensor: Tensor, name = 'constant'): Value {
    const value: Value = { name, type: { dtype: tensor.dtype, shape: tensor.shape } }
    this.weights.set(value, { tensor })
    return value
  }

  /** A 1-D int64 constant (shapes, axes). */
  int64s(values: readonly number[], name = 'shape'): Value {
    return this.constant(int64Tensor(values), name)
  }

  /** A parameter in its stored layout; the same parameter asked for twice is one value. */
  parameter(parameter: Parameter, tensor: Tensor): Value {
    const known = this.parameters.get(parameter.name)
    if (known) return known
    const value: Value = {
      name: parameter.name,
      type: { dtype: tensor.dtype, shape: tensor.shape },
    }
    this.weights.set(value, { tensor, parameter })
    this.parameters.set(parameter.name, value)
    return value
  }

  /** Appends a node with one output and returns it. */
  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value {
    return this.ops(op, inputs, 1, attributes, options)[0]!
  }

  /** Appends a node with `count` outputs and returns them. */
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const node = newNode(op, inputs, count, attributes, { origin: this.origin, ...options })
    this.add(node)
    return [...node.outputs]
  }

  /** Appends a ready-made node. */
  add(node: Node): void {
    this.nodes.push(node)
  }

  /** Names a graph output. */
  output(name: string, value: Value): void {
    this.outputs.push({ name, value })
  }

  /** Makes an inner value addressable. */
  tap(name: string, value: Value): void {
    this.taps.set(name, value)
  }

  /** A property of the model that travels with the file. */
  property(key: string, value: string): void {
    this.metadata.set(key, value)
  }

  /** Declares the version of another domain. */
  opset(domain: string, version: number): void {
    this.opsets.set(domain, version)
  }

  build(): Graph {
    return {
      ...emptyGraph(this.name),
      inputs: this.inputs,
      outputs: this.outputs,
      nodes: this.nodes,
      weights: this.weights,
      opsets: this.opsets,
      metadata: this.metadata,
      taps: this.taps,
    }
  }
}
