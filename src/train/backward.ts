/**
 * Reverse-mode differentiation: a graph and its loss become a graph that also computes gradients.
 *
 * One sweep from the loss backwards over the nodes that stand between it and what is asked for. Rows of
 * the gradient table say how a node passes gradients on; here broadcasts are summed, gradients that meet
 * are added, and optional outputs that a row needs (means, masks, indices) are asked of the forward node.
 */

import { LimbeckError } from '../errors.ts'
import { int } from '../graph/attributes.ts'
import { type Graph, type Node, usedValues, type Value } from '../graph/graph.ts'
import { neverStretched } from '../graph/shape.ts'
import { GradBuilder } from '../ops/grad/grad-builder.ts'
import { gradTable } from '../ops/grad/grad-table.ts'
import { inferNode } from '../ops/infer-types.ts'
import { arityOf, knownOp } from '../ops/known.ts'
import { nodeText } from '../ops/verify.ts'

/** A graph with its gradients. */
export interface Backward {
  /** The forward graph with the gradient's nodes behind it; outputs are the forward graph's. */
  readonly graph: Graph
  /** Gradient of the loss by each value asked for, of its shape; absent where it does not reach the loss. */
  readonly gradients: ReadonlyMap<Value, Value>
}

const floatTypes: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16'])

/**
 * Gradients of `loss` by the values `wrt` (inputs, parameters or inner values of `graph`). A loss that is
 * no scalar counts as the sum of its elements.
 * @throws LimbeckError `graph` when an operator on the way has no gradient.
 * @example
 * const { graph, gradients } = backward(forward, loss, parameters)
 */
export function backward(graph: Graph, loss: Value, wrt: readonly Value[]): Backward {
  return new Walker(graph, wrt).walk(loss, wrt)
}

class Walker {
  private readonly graph: Graph
  private readonly g: GradBuilder
  /** Values that depend on what is asked for. */
  private readonly active: Set<Value>
  private readonly gradients = new Map<Value, Value>()
  /** Forward nodes with the outputs that rows have asked for besides. */
  private readonly extended = new Map<Node, Node>()

  constructor(graph: Graph, wrt: readonly Value[]) {
    this.graph = graph
    this.g = new GradBuilder(graph)
    this.active = new Set(wrt)
    for (const node of graph.nodes) {
      if (!usedValues(node).some((value) => this.active.has(value))) continue
      const op = knownOp(node)
      const entry = op && gradTable[op]
      if (entry && 'stops' in entry) continue
      const codes = entry && 'straightThrough' in entry
      for (const output of node.outputs) {
        if (output && (codes || this.isFloat(output))) this.active.add(output)
      }
    }
  }

  walk(loss: Value, wrt: readonly Value[]): Backward {
    const one = this.g.number(1, loss)
    const scalar = this.g.rank(loss) === 0
    this.gradients.set(loss, scalar ? one : this.g.expandLike(one, loss))
    for (const node of [...this.graph.nodes].reverse()) this.visit(node)
    const found = wrt.flatMap((value) => {
      const gradient = this.gradients.get(value)
      return gradient ? [[value, gradient] as const] : []
    })
    return { graph: this.result(), gradients: new Map(found) }
  }

  private result(): Graph {
    const { graph, g } = this
    const nodes = [...graph.nodes.map((node) => this.extended.get(node) ?? node), ...g.nodes]
    const opsets = new Map(graph.opsets)
    for (const { domain } of g.nodes) if (!opsets.has(domain)) opsets.set(domain, 1)
    return { ...graph, nodes, opsets, weights: new Map([...graph.weights, ...g.weights]) }
  }

  private isFloat(value: Value): boolean {
    const dtype = this.g.typeOf(value)?.dtype
    return dtype === undefined || floatTypes.has(dtype)
  }

  private visit(node: Node): void {
    const outputGradients = node.outputs.map((output) => output && this.gradients.get(output))
    const reached = node.outputs.some((output) => output && this.active.has(output))
    const dy = outputGradients.find((gradient) => gradient)
    if (!reached || !dy) return
    this.g.origin = node.origin
    try {
      this.pass(node, outputGradients, outputGradients[0] ?? dy)
    } catch (error) {
      if (!(error instanceof LimbeckError) || error.message.startsWith('No gradient')) throw error
      throw noGradient(node, error.message)
    }
  }

  private pass(node: Node, outputGradients: (Value | undefined)[], dy: Value): void {
    const op = knownOp(node)
    const entry = op && gradTable[op]
    if (!entry) throw noGradient(node, 'the operator is not known')
    if ('nonDifferentiable' in entry) throw noGradient(node, entry.nonDifferentiable)
    if ('stops' in entry) return
    if ('straightThrough' in entry) {
      if (this.active.has(node.inputs[0]!)) this.accumulate(node.inputs[0]!, dy)
      return
    }
    const wants = (input: number): boolean => {
      const value = node.inputs[input]
      return value !== undefined && this.active.has(value)
    }
    const gradients = entry({
      node,
      inputs: node.inputs,
      outputs: node.outputs,
      outputGradients,
      dy,
      g: this.g,
      wants,
      extraOutput: (index) => this.extraOutput(node, index),
    })
    gradients.forEach((gradient, i) => {
      if (gradient && wants(i)) this.accumulate(node.inputs[i]!, gradient)
    })
  }

  /** Adds to the gradient of a value, summed over the axes along which the value was stretched. */
  private accumulate(value: Value, gradient: Value): void {
    const own = this.unbroadcast(gradient, value)
    const known = this.gradients.get(value)
    this.gradients.set(value, known ? this.g.add(known, own) : own)
  }

  private unbroadcast(gradient: Value, value: Value): Value {
    const { g } = this
    const [from, to] = [g.shape(gradient), g.shape(value)]
    const lead = from.length - to.length
    const axes = from.map((_, axis) => axis)
    const stretched = axes.filter(
      (axis) => axis < lead || (to[axis - lead] === 1 && from[axis] !== 1),
    )
    const sure = axes.every(
      (axis) => stretched.includes(axis) || neverStretched(to[axis - lead]!, from[axis]!),
    )
    if (sure) {
      if (stretched.length === 0) return gradient
      const prepended = stretched.every((axis) => axis < lead)
      const sum = g.sum(gradient, stretched, !prepended)
      return prepended || lead === 0 ? sum : g.reshapeLike(sum, value)
    }
    // symbols that may or may not be 1: the axes follow from both shapes when the graph runs
    const shape = g.shapeOf(value)
    const ones = new Array<number>(lead).fill(1)
    const padded = lead > 0 ? g.concat([g.int64s(...ones), shape], 0) : shape
    const differ = g.op('Not', [g.equal(padded, g.shapeOf(gradient))])
    const found = g.reshape(g.op('NonZero', [differ]), -1)
    const sum = g.op('ReduceSum', [gradient, found], { noop_with_empty_axes: int(1) })
    return g.reshapeLike(sum, value)
  }

  private extraOutput(node: Node, index: number): Value {
    const current = this.extended.get(node) ?? node
    const given = current.outputs[index]
    if (given) return given
    const outputs = Array.from(
      { length: Math.max(current.outputs.length, index + 1) },
      (_, i) => current.outputs[i] ?? { name: `${node.outputs[0]?.name ?? node.op}.${i}` },
    )
    // what stands between must exist too, e.g. the mean before 1/σ
    const [, , , most] = arityOf(knownOp(node)!)
    const next = { ...current, outputs: outputs.slice(0, most) }
    this.extended.set(node, next)
    inferNode(next, (value) => this.g.typeOf(value)).forEach((type, i) => {
      this.g.learn(next.outputs[i]!, type)
    })
    return next.outputs[index]!
  }
}

const noGradient = (node: Node, why: string): LimbeckError =>
  new LimbeckError('graph', `No gradient through ${nodeText(node)}: ${why}.`)
