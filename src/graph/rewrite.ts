/**
 * The rewriter: rules swept over the nodes in topological order, again until nothing changes.
 *
 * A rule looks at one node (its anchor, the last of its pattern) and either leaves it, says why it came
 * close, or gives the values that take the place of its outputs. New nodes stand where the anchor stood;
 * what lost its users dies after the sweep. Uses are counted high, never low, within a sweep: a rule
 * that refuses because of a stale use fires in the next one. Linear in nodes per sweep.
 */

import {
  type Attributes,
  type Graph,
  mapUses,
  type Node,
  type TensorType,
  usedValues,
  type Value,
  type Weight,
} from './graph.ts'
import { pruneDead } from './liveness.ts'
import { type NodeOptions, newNode } from './new-node.ts'
import {
  beginSweep,
  creditDead,
  newTrace,
  type RewriteTrace,
  recordHit,
  recordMiss,
  workOf,
} from './rewrite-trace.ts'
import type { Tensor } from './tensor.ts'

/** What is known of values' types; `learn` is told of every node the rewriter adds. */
export interface Knowledge {
  typeOf(value: Value): TensorType | undefined
  learn(node: Node): void
}

/** What a rule sees of the graph around its anchor, and how it writes new nodes. */
export interface RewriteContext {
  readonly graph: Graph
  producer(value: Value): Node | undefined
  weight(value: Value): Weight | undefined
  /** How many reads the value has (graph outputs count). */
  uses(value: Value): number
  typeOf(value: Value): TensorType | undefined
  /** Remembers that a rule came near the anchor: how far it got, why it stopped, and at which value. */
  miss(rule: string, depth: number, reason: string, value?: Value): void
  /** Appends a node before the anchor; its origin is the anchor's unless given. */
  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes?: Attributes,
    options?: NodeOptions,
  ): Value
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes?: Attributes,
    options?: NodeOptions,
  ): Value[]
  constant(tensor: Tensor, name?: string): Value
  /** A weight with its parameter kept. */
  addWeight(weight: Weight, name: string): Value
}

/** One rewrite: which operators it anchors on (`domain::op`, or `op` for ai.onnx) and what it does. */
export interface NodeRule {
  readonly name: string
  readonly anchors: readonly string[]
  /** Values for the anchor's outputs, in order; undefined leaves the node as it is. */
  apply(node: Node, context: RewriteContext): readonly (Value | undefined)[] | undefined
}

/** Key of an operator in rule anchors and tables. */
export const opKey = (node: Pick<Node, 'op' | 'domain'>): string =>
  node.domain === '' ? node.op : `${node.domain}::${node.op}`

const nothingKnown: Knowledge = { typeOf: (value) => value.type, learn: () => {} }

export interface RewriteOptions {
  readonly trace?: RewriteTrace | undefined
  /** Makes the knowledge for a graph at the start of each sweep. */
  readonly know?: ((graph: Graph) => Knowledge) | undefined
  readonly maxSweeps?: number
}

/** Applies the rules to a fixed point; the same object when none fired. */
export function rewrite(
  graph: Graph,
  rules: readonly NodeRule[],
  options: RewriteOptions = {},
): Graph {
  const trace = options.trace ?? newTrace()
  let current = pruneDead(graph)
  for (let sweep = 0; sweep < (options.maxSweeps ?? 50); sweep++) {
    const next = sweepOnce(current, rules, trace, (options.know ?? (() => nothingKnown))(current))
    if (next === current) break
    current = next
  }
  return current
}

/** One sweep and its dead; the same graph when no rule fired. */
function sweepOnce(
  graph: Graph,
  rules: readonly NodeRule[],
  trace: RewriteTrace,
  knowledge: Knowledge,
): Graph {
  const work = new Sweep(graph, trace, knowledge)
  const table = new Map<string, NodeRule[]>()
  for (const rule of rules) {
    beginSweep(trace, rule.name, rule.anchors)
    for (const anchor of rule.anchors) table.set(anchor, [...(table.get(anchor) ?? []), rule])
  }
  for (const node of graph.nodes) work.visit(node, table.get(opKey(node)) ?? [])
  return work.finish()
}

class Sweep implements RewriteContext {
  readonly graph: Graph
  private readonly trace: RewriteTrace
  private readonly knowledge: Knowledge
  private readonly nodes: Node[] = []
  private readonly producers = new Map<Value, Node>()
  private readonly weights: Map<Value, Weight>
  private readonly opsets: Map<string, number>
  private readonly counts = new Map<Value, number>()
  private readonly replaced = new Map<Value, Value>()
  private readonly lost = new Map<Value, string>()
  private readonly writers = new Map<Node, string>()
  private pending: Node[] = []
  private anchor: Node | undefined
  private changed = false

  constructor(graph: Graph, trace: RewriteTrace, knowledge: Knowledge) {
    this.graph = graph
    this.trace = trace
    this.knowledge = knowledge
    this.weights = new Map(graph.weights)
    this.opsets = new Map(graph.opsets)
    for (const node of graph.nodes) this.count(node)
    for (const port of graph.outputs) this.add(port.value)
  }

  visit(original: Node, rules: readonly NodeRule[]): void {
    const node = this.replaced.size > 0 ? mapUses(original, this.resolve) : original
    if (node !== original) this.count(node)
    this.anchor = node
    for (const rule of rules) {
      this.pending = []
      const start = performance.now()
      const outputs = rule.apply(node, this)
      workOf(this.trace, rule.name).ms += performance.now() - start
      if (!outputs) continue
      this.accept(node, outputs, rule.name)
      return
    }
    this.pending = []
    for (const { name } of rules) workOf(this.trace, name).left++
    this.push(node)
  }

  /** Puts the rule's nodes in place; a new node takes over the very value it replaces. */
  private accept(node: Node, outputs: readonly (Value | undefined)[], rule: string): void {
    this.changed = true
    recordHit(this.trace, rule, 1)
    workOf(this.trace, rule).added += this.pending.length
    for (const value of usedValues(node)) this.lost.set(value, rule)
    const renamed = new Map<Value, Value>()
    const made = new Set(this.pending.flatMap((fresh) => fresh.outputs))
    const twice: [Value, Value][] = []
    node.outputs.forEach((output, i) => {
      const replacement = outputs[i]
      if (!output || !replacement || replacement === output) return
      if (!made.has(replacement)) this.replaced.set(output, this.resolve(replacement))
      else if (renamed.has(replacement)) twice.push([output, replacement])
      else renamed.set(replacement, output)
    })
    for (const [output, replacement] of twice) this.replaced.set(output, renamed.get(replacement)!)
    const rename = (value: Value): Value => renamed.get(value) ?? value
    for (const fresh of this.pending) {
      const mapped = mapUses(fresh, rename)
      const placed = { ...mapped, outputs: mapped.outputs.map((value) => value && rename(value)) }
      this.writers.set(placed, rule)
      this.count(placed)
      this.push(placed)
      this.knowledge.learn(placed)
      if (!this.opsets.has(placed.domain)) this.opsets.set(placed.domain, 1)
    }
  }

  finish(): Graph {
    if (!this.changed) return this.graph
    const mapPort = <T extends { value: Value }>(port: T): T => ({
      ...port,
      value: this.resolve(port.value),
    })
    const swept = {
      ...this.graph,
      nodes: this.nodes,
      weights: this.weights,
      opsets: this.opsets,
      outputs: this.graph.outputs.map(mapPort),
      taps: new Map([...this.graph.taps].map(([name, value]) => [name, this.resolve(value)])),
      quantization: new Map(
        [...this.graph.quantization].map(([value, note]) => [this.resolve(value), note]),
      ),
    }
    const survivors = pruneDead(swept)
    creditDead(this.trace, swept, survivors, this.lost, this.writers)
    return survivors
  }

  producer(value: Value): Node | undefined {
    return this.producers.get(value)
  }
  weight(value: Value): Weight | undefined {
    return this.weights.get(value)
  }
  uses(value: Value): number {
    return this.counts.get(value) ?? 0
  }
  typeOf(value: Value): TensorType | undefined {
    return this.knowledge.typeOf(value) ?? value.type
  }
  miss(rule: string, depth: number, reason: string, value?: Value): void {
    const { origin } = this.anchor!
    const op = opKey(this.anchor!)
    recordMiss(this.trace, { rule, depth, op, origin, value: value?.name, reason })
  }

  op(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value {
    return this.ops(op, inputs, 1, attributes, options)[0]!
  }
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    count: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): Value[] {
    const origin = this.anchor?.origin ?? ''
    const node = newNode(op, inputs, count, attributes, { origin, ...options })
    this.pending.push(node)
    this.knowledge.learn(node)
    return [...node.outputs]
  }
  constant(tensor: Tensor, name = 'constant'): Value {
    return this.addWeight({ tensor }, name)
  }
  addWeight(weight: Weight, name: string): Value {
    const value = { name, type: { dtype: weight.tensor.dtype, shape: weight.tensor.shape } }
    this.weights.set(value, weight)
    return value
  }

  private readonly resolve = (value: Value): Value => {
    let current = value
    for (let next = this.replaced.get(current); next; next = this.replaced.get(current)) {
      current = next
    }
    return current
  }
  private push(node: Node): void {
    this.nodes.push(node)
    for (const output of node.outputs) if (output) this.producers.set(output, node)
  }
  private count(node: Node): void {
    for (const value of usedValues(node)) this.add(value)
  }
  private add(value: Value): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1)
  }
}
