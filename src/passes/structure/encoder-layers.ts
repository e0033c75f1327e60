/**
 * The layers of a Transformer, read from the structure of its logical graph alone: names may be anything.
 *
 * Every attention (a product of probabilities and values) lies in one layer. Its queries, keys and values come
 * from linear layers of one input; its context goes through a projection to a sum with the residual stream;
 * a feed-forward follows to the next such sum. Norms stand after the sums (Vaswani et al. 2017) or before the
 * linear layers (pre-norm). Between norm, attention and sum elements may move: Swin cuts its image into windows.
 */
import type { Graph, Node, Value } from '../../graph/graph.ts'
import { inferTypes } from '../../ops/infer-types.ts'
import { linearWeight } from '../linear-layer.ts'
import { ancestors, type GraphLinks, graphLinks } from './graph-links.ts'
import { beforeMoves, isMove, MAX_MOVES } from './moves.ts'

/** A linear layer: its product, and the sum with its bias where it has one. */
export interface LinearNodes {
  readonly matmul: Node
  readonly bias: Node | undefined
  readonly output: Value
}

/** One layer and what stands in it. */
export interface EncoderLayer {
  /** The residual stream before and after the layer. */
  readonly input: Value
  readonly output: Value
  /** One linear layer for all three where they are merged. */
  readonly query: LinearNodes
  readonly key: LinearNodes
  readonly value: LinearNodes
  /** The product of probabilities and values. */
  readonly context: Node
  readonly attentionOutput: LinearNodes
  readonly attentionNorm: Node | undefined
  /** All linear layers of the feed-forward but the last. */
  readonly feedForwardIn: readonly LinearNodes[]
  readonly feedForwardOut: LinearNodes | undefined
  readonly feedForwardNorm: Node | undefined
  /** Every node of the layer, in order. */
  readonly nodes: readonly Node[]
  readonly heads: number | undefined
}

const norms = new Set(['LayerNormalization', 'RMSNormalization'])
const isNorm = (node: Node | undefined): node is Node => node?.domain === '' && norms.has(node.op)

/** The layers, from the input on; empty where there is no attention that is one. */
export function encoderLayers(graph: Graph): EncoderLayer[] {
  const links = graphLinks(graph)
  const reader = new LayerReader(graph, links)
  const found = graph.nodes
    .map((node) => reader.attention(node))
    .filter((attention) => attention !== undefined)
  const starts = found.map(({ input }) => input)
  return found
    .map((attention, i) => reader.layer(attention, starts[i + 1]))
    .filter((layer) => layer !== undefined)
}

interface Attention {
  readonly query: LinearNodes
  readonly key: LinearNodes
  readonly value: LinearNodes
  /** Residual stream that enters. */
  readonly input: Value
  readonly context: Node
  readonly heads: number | undefined
}

/** Reads layers of one graph. */
class LayerReader {
  private readonly graph: Graph
  private readonly links: GraphLinks
  private readonly sources = new Map<Value, Value>()

  constructor(graph: Graph, links: GraphLinks) {
    this.graph = graph
    this.links = links
  }

  /** The attention whose context is the product `node`. */
  attention(node: Node): Attention | undefined {
    if (node.op !== 'MatMul' || node.domain !== '') return undefined
    const [weights, values] = node.inputs
    const softmax = this.up(weights, ['Where', 'Dropout'], 'Softmax')
    const product = softmax && this.up(softmax.inputs[0], ['Where', 'Add', 'Mul'], 'MatMul')
    if (!product || !values) return undefined
    const [query, key, value] = [product.inputs[0], product.inputs[1], values].map((role) =>
      this.linearBefore(role!),
    )
    if (!query || !key || !value) return undefined
    const input = query.matmul.inputs[0]!
    if (key.matmul.inputs[0] !== input || value.matmul.inputs[0] !== input) return undefined
    // windows are cut from what a norm gave
    const whole = this.beforeMoves(input)
    const cut = isNorm(this.links.producer(whole)) || this.isSummedAfter(whole, node)
    const stream = cut ? whole : input
    const norm = this.links.producer(stream)
    const before = isNorm(norm) ? norm.inputs[0] : undefined
    // a norm's input that is summed again later is the stream; else the norm closes the layer before
    const isPre = before !== undefined && this.isSummedAfter(before, node)
    const heads = inferTypes(this.graph).get(softmax.outputs[0]!)?.shape?.[1]
    return {
      query,
      key,
      value,
      input: isPre ? before : stream,
      context: node,
      heads: typeof heads === 'number' ? heads : undefined,
    }
  }

  /** Goes up through these operators' data inputs to the first `goal`. */
  private up(value: Value | undefined, through: readonly string[], goal: string): Node | undefined {
    const node = value && this.links.producer(value)
    if (node?.domain !== '') return undefined
    if (node.op === goal) return node
    if (!through.includes(node.op)) return undefined
    for (const input of node.inputs) {
      const found = input && this.up(input, through, goal)
      if (found) return found
    }
    return undefined
  }

  private beforeMoves(value: Value): Value {
    return beforeMoves(value, this.links, this.sources)
  }

  private isSummedAfter(value: Value, node: Node): boolean {
    const at = this.links.position(node)
    return this.links
      .readers(value)
      .some((reader) => reader.op === 'Add' && this.links.position(reader) > at)
  }

  private linear(node: Node): LinearNodes | undefined {
    const context = {
      producer: (value: Value) => this.links.producer(value),
      weight: (value: Value) => this.graph.weights.get(value),
    }
    const output = node.outputs[0]
    if (!output || !linearWeight(node, context)) return undefined
    const [only, ...more] = this.links.readers(output)
    const isBias =
      only?.op === 'Add' &&
      more.length === 0 &&
      only.inputs.some((input) => input && this.graph.weights.get(input)?.tensor.shape.length === 1)
    return isBias
      ? { matmul: node, bias: only, output: only.outputs[0]! }
      : { matmul: node, bias: undefined, output }
  }

  /** The nearest linear layer from which a value follows. */
  private linearBefore(value: Value): LinearNodes | undefined {
    const { ends } = ancestors(value, this.links, (node) => this.linear(node) !== undefined)
    return ends[0] && this.linear(ends[0])
  }

  /** The layer around an attention, to where the next one begins. */
  layer(attention: Attention, next: Value | undefined): EncoderLayer | undefined {
    const attentionOutput = this.linearAfter(attention.context.outputs[0]!)
    const attended = attentionOutput && this.sumWith(attentionOutput.output, attention.input)
    if (!attentionOutput || !attended) return undefined
    const attentionNorm = this.normAfter(attended)
    // the feed-forward is summed with the stream: after the norm, or before it
    const middle = attentionNorm?.outputs[0] ?? attended
    const sum = this.nextSum(middle)
    // with its norms before, what stands behind the last layer is the model's own
    const feedForwardNorm = sum && attentionNorm && this.normAfter(sum)
    const own = feedForwardNorm?.outputs[0] ?? sum
    const last = next !== undefined && this.follows(next, middle) ? next : middle
    const output = own ?? last
    const nodes = this.between(attention.input, output)
    const linears = nodes.map((node) => this.linear(node)).filter((one) => one !== undefined)
    const used = new Set(
      [attention.query, attention.key, attention.value, attentionOutput].map((l) => l.matmul),
    )
    const feedForward = linears.filter(({ matmul }) => !used.has(matmul))
    const inLayer = new Set(nodes)
    return {
      input: attention.input,
      output,
      query: attention.query,
      key: attention.key,
      value: attention.value,
      context: attention.context,
      attentionOutput,
      attentionNorm: attentionNorm ?? this.normBefore(attention.query, inLayer),
      feedForwardIn: feedForward.slice(0, -1),
      feedForwardOut: feedForward.at(-1),
      feedForwardNorm:
        feedForwardNorm && inLayer.has(feedForwardNorm)
          ? feedForwardNorm
          : feedForward[0] && this.normBefore(feedForward[0], inLayer),
      nodes,
      heads: attention.heads,
    }
  }

  private normBefore({ matmul }: LinearNodes, inLayer: ReadonlySet<Node>): Node | undefined {
    const norm = matmul.inputs[0] && this.links.producer(this.beforeMoves(matmul.inputs[0]))
    return isNorm(norm) && inLayer.has(norm) ? norm : undefined
  }

  /** The first linear layer that reads what follows from a value. */
  private linearAfter(value: Value): LinearNodes | undefined {
    let current: Value | undefined = value
    for (let steps = 0; current && steps < 16; steps++) {
      const [reader]: readonly Node[] = this.links.readers(current)
      if (!reader) return undefined
      const found = this.linear(reader)
      if (found) return found
      current = reader.outputs[0]
    }
    return undefined
  }

  /** The sum of a value (perhaps moved, or after a factor) and the stream. */
  private sumWith(value: Value, stream: Value, seen = new Set<Value>()): Value | undefined {
    if (seen.has(value) || seen.size > MAX_MOVES) return undefined
    seen.add(value)
    for (const reader of this.links.readers(value)) {
      if (reader.op === 'Add' && reader.inputs.includes(stream)) return reader.outputs[0]
      if (reader.op === 'Mul' || isMove(reader)) {
        const found = this.sumWith(reader.outputs[0]!, stream, seen)
        if (found) return found
      }
    }
    return undefined
  }

  /** The norm that alone reads a sum. */
  private normAfter(sum: Value): Node | undefined {
    const readers = this.links.readers(sum)
    return readers.length === 1 && isNorm(readers[0]) ? readers[0] : undefined
  }

  /** The nearest sum of the stream with what follows from it. */
  private nextSum(stream: Value): Value | undefined {
    for (const reader of this.links.readers(stream)) {
      if (reader.op !== 'Add') continue
      const other = reader.inputs.find((input) => input && input !== stream)
      if (other && !this.graph.weights.has(other) && this.follows(other, stream)) {
        return reader.outputs[0]
      }
    }
    return undefined
  }

  private follows(value: Value, from: Value): boolean {
    const start = this.links.producer(from)
    const floor = start ? this.links.position(start) : -1
    let found = value === from
    ancestors(value, this.links, (node) => {
      found ||= node.inputs.includes(from)
      return found || this.links.position(node) <= floor
    })
    return found
  }

  /** Nodes that lead from one value to another, what they alone need included. */
  private between(input: Value, output: Value): Node[] {
    const fromInput = new Set<Value>([input])
    const start = this.links.producer(input)
    const floor = start ? this.links.position(start) : -1
    const { inner } = ancestors(output, this.links, (node) => this.links.position(node) <= floor)
    const ordered = inner.sort((a, b) => this.links.position(a) - this.links.position(b))
    const members = new Set<Node>()
    for (const node of ordered) {
      // what follows from the input's shape alone is no part of the layer
      if (node.op === 'Shape') continue
      if (!node.inputs.some((value) => value && fromInput.has(value))) continue
      members.add(node)
      for (const made of node.outputs) if (made) fromInput.add(made)
    }
    // a weight turned for one product is part of the layer
    for (const node of ordered) {
      const [made] = node.outputs
      const readers = made ? this.links.readers(made) : []
      if (readers.length > 0 && readers.every((reader) => members.has(reader))) members.add(node)
    }
    return ordered.filter((node) => members.has(node))
  }
}
