/**
 * Low-rank adapters (LoRA, Hu et al. 2022): y = x·Wᵀ + (α/r)·(x·Aᵀ)·Bᵀ with W frozen, A `[r, in]` random and
 * B `[out, r]` zero, so that the model begins as it was.
 *
 * Adapters are parameters named as PEFT names them. What stands behind the encoder learns with them: a new
 * head has nothing to adapt. Afterwards `merge` adds (α/r)·B·A to W, and the model has its old form.
 */
import { LimbeckError } from '../errors.ts'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Node, Value, Weight } from '../graph/graph.ts'
import { float32Tensor, floatScalar } from '../graph/tensor.ts'
import { linearWeight } from '../passes/linear-layer.ts'
import { encoderLayers } from '../passes/structure/encoder-layers.ts'
import { graphLinks } from '../passes/structure/graph-links.ts'
import { bitsAt, keyOf } from './mix-bits.ts'

export interface LoraOptions {
  /** r, default 8. */
  readonly rank?: number
  /** α, default 2r. */
  readonly alpha?: number
  /** Which weights get an adapter, by name; default every linear layer of the encoder. */
  readonly targets?: (name: string) => boolean
  /** Seed of A. */
  readonly seed: number
}

export interface Lora {
  readonly graph: Graph
  /** True for adapters and what stands behind the encoder: the `trainable` of a training step. */
  trainable(parameter: { readonly name: string }): boolean
  /**
   * Gives the weights that the adapters changed, under their own names. It takes the adapters by theirs; the
   * weights themselves are part of it.
   */
  readonly merge: Graph
}

interface Target {
  readonly node: Node
  readonly value: Value
  readonly weight: Weight
  readonly name: string
}

interface Adapter extends Target {
  readonly a: Value
  readonly b: Value
}

/** The graph with adapters. @throws LimbeckError `graph` when no layer is a target. */
export function withLora(graph: Graph, options: LoraOptions): Lora {
  const { rank = 8, alpha = 2 * rank, seed } = options
  const targets = targetsOf(graph, options.targets)
  if (targets.length === 0) {
    throw new LimbeckError('graph', `${graph.name}: no linear layer was found to adapt.`)
  }
  const b = new GraphBuilder(graph.name)
  const adapters = new Map<Value, Adapter>()
  const added = new Map<Node, { readonly nodes: readonly Node[]; readonly sum: Value }>()
  for (const [i, target] of targets.entries()) {
    const known = adapters.get(target.value)
    const adapter = known ?? { ...target, ...adapterOf(b, target, rank, keyOf(seed, 3, i)) }
    adapters.set(target.value, adapter)
    const before = b.build().nodes.length
    const sum = b.scope(target.node.origin, () => adapted(b, adapter, target.node, alpha / rank))
    added.set(target.node, { nodes: b.build().nodes.slice(before), sum })
  }
  const replaced = new Map([...added].map(([node, { sum }]) => [node.outputs[0]!, sum]))
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = node.inputs.map((value) => (value && replaced.get(value)) ?? value)
    return [{ ...node, inputs }, ...(added.get(node)?.nodes ?? [])]
  })
  const outputs = graph.outputs.map((port) => ({
    ...port,
    value: replaced.get(port.value) ?? port.value,
  }))
  const learning = new Set(headParameters(graph))
  for (const { a, b: up } of adapters.values()) learning.add(a.name).add(up.name)
  return {
    graph: { ...graph, nodes, outputs, weights: new Map([...graph.weights, ...b.build().weights]) },
    trainable: ({ name }) => learning.has(name),
    merge: mergeGraph([...adapters.values()], alpha / rank),
  }
}

function targetsOf(graph: Graph, wanted: LoraOptions['targets']): Target[] {
  const links = graphLinks(graph)
  const inLayers = new Set(encoderLayers(graph).flatMap(({ nodes }) => nodes))
  const context = { producer: links.producer, weight: (value: Value) => graph.weights.get(value) }
  return graph.nodes.flatMap((node) => {
    const found = linearWeight(node, context)
    const name = found?.weight.parameter?.name
    if (!found || name === undefined) return []
    const chosen = wanted ? wanted(name) : inLayers.has(node)
    return chosen ? [{ node, value: found.value, weight: found.weight, name }] : []
  })
}

/** A uniform in ±1/√in (Kaiming with a = √5, as PEFT), B zero. */
function adapterOf(b: GraphBuilder, { weight, name }: Target, rank: number, key: number) {
  const [outSize, inSize] = weight.tensor.shape as [number, number]
  const bound = 1 / Math.sqrt(inSize)
  const random = Array.from(
    { length: rank * inSize },
    (_, i) => bound * ((2 * bitsAt(key, i)) / 2 ** 32 - 1),
  )
  const zeros = new Array<number>(outSize * rank).fill(0)
  const module = name.replace(/\.weight$/, '')
  return {
    a: b.parameter({ name: `${module}.lora_A.weight` }, float32Tensor(random, [rank, inSize])),
    b: b.parameter({ name: `${module}.lora_B.weight` }, float32Tensor(zeros, [outSize, rank])),
  }
}

const turn = { perm: ints([1, 0]) }

/** The product with its adapter's. */
function adapted(b: GraphBuilder, adapter: Adapter, node: Node, scale: number): Value {
  const [x] = node.inputs
  const low = b.op('MatMul', [x, b.op('Transpose', [adapter.a], turn)])
  const high = b.op('MatMul', [low, b.op('Transpose', [adapter.b], turn)])
  const scaled = b.op('Mul', [high, b.constant(floatScalar(scale), 'scale')])
  return b.op('Add', [node.outputs[0]!, scaled])
}

/** Parameters of what is computed from the last layer's output. */
function headParameters(graph: Graph): string[] {
  const layers = encoderLayers(graph)
  const links = graphLinks(graph)
  const last = layers.at(-1)
  if (!last) return []
  const behind = new Set<Value>([last.output])
  const read = new Set<Value>()
  for (const node of graph.nodes) {
    if (!node.inputs.some((value) => value && behind.has(value))) continue
    for (const output of node.outputs) if (output) behind.add(output)
    for (const value of node.inputs) {
      const turned = value && links.producer(value)
      const weight = turned?.op === 'Transpose' ? turned.inputs[0] : value
      if (weight) read.add(weight)
    }
  }
  const inside = new Set(layers.flatMap(({ nodes }) => nodes.flatMap(({ inputs }) => inputs)))
  return [...read].flatMap((value) => {
    const name = graph.weights.get(value)?.parameter?.name
    return name !== undefined && !inside.has(value) ? [name] : []
  })
}

/** W + (α/r)·B·A of each adapted weight. */
function mergeGraph(adapters: readonly Adapter[], scale: number): Graph {
  const b = new GraphBuilder('merge')
  for (const { a, b: up, weight, name } of adapters) {
    const [low, high] = [a, up].map((value) => b.input(value.name, 'float32', value.type!.shape!))
    const product = b.op('MatMul', [high, low])
    const change = b.op('Mul', [product, b.constant(floatScalar(scale), 'scale')])
    b.output(name, b.op('Add', [b.constant(weight.tensor, name), change]))
  }
  return b.build()
}
