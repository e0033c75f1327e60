/**
 * Gradient checkpointing by layer (Chen et al. 2016): activations inside a layer are not kept for the backward
 * run but computed again when it reaches the layer, from what entered it.
 *
 * Only the graph's order says when a value may be freed, so the second computation must wait for the backward
 * run: what enters the layer passes through a Reshape to the shape of a gradient that has just been computed.
 * It costs nothing, and makes the copies other nodes than the first ones, which no optimizer may merge.
 */
import { type Graph, mapUses, type Node, usedValues, type Value } from '../graph/graph.ts'
import { newNode } from '../graph/new-node.ts'
import { equalShapes } from '../graph/shape.ts'
import { inferTypes, type Types } from '../ops/infer-types.ts'
import { layerOf } from '../ops/layer-of.ts'

/** A graph whose first `forward` nodes are the forward run, and the others the backward run. */
export function recomputeLayers(graph: Graph, forward: number): Graph {
  const types = inferTypes(graph)
  const layers = layersOf(graph.nodes.slice(0, forward))
  let behind = graph.nodes.slice(forward)
  // the last layer's activations are needed at once
  for (const layer of layers.slice(0, -1)) behind = again(graph, layer, behind, forward, types)
  return { ...graph, nodes: [...graph.nodes.slice(0, forward), ...behind] }
}

/** Nodes of each layer: module paths with a number. */
function layersOf(nodes: readonly Node[]): Node[][] {
  const layers = new Map<string, Node[]>()
  for (const node of nodes) {
    const layer = layerOf(node.origin)
    if (!/\.\d+$/.test(layer)) continue
    const known = layers.get(layer)
    if (known) known.push(node)
    else layers.set(layer, [node])
  }
  return [...layers.values()]
}

/** The backward run with a layer computed again before its first use there. */
function again(
  graph: Graph,
  layer: readonly Node[],
  behind: readonly Node[],
  forward: number,
  types: Types,
): Node[] {
  const made = new Set(layer.flatMap(({ outputs }) => outputs as Value[]))
  const others = graph.nodes.slice(0, forward).filter((node) => !layer.includes(node))
  const kept = new Set<Value>([
    ...others.flatMap((node) => usedValues(node)),
    ...graph.outputs.map(({ value }) => value),
  ])
  const wanted = new Set(
    behind.flatMap((node) => usedValues(node).filter((v) => made.has(v) && !kept.has(v))),
  )
  const first = behind.findIndex((node) => usedValues(node).some((value) => wanted.has(value)))
  if (first < 0) return [...behind]
  const entering = new Set(
    layer.flatMap((node) => usedValues(node).filter((value) => !made.has(value))),
  )
  const source = waitingFor(behind.slice(0, first), [...entering], types)
  if (!source) return [...behind]
  const copies = new Map<Value, Value>([[source.entering, source.node.outputs[0]!]])
  const copied = neededFor(layer, wanted).map((node) => copyOf(node, copies))
  const use = (value: Value): Value => (wanted.has(value) ? copies.get(value)! : value)
  return [
    ...behind.slice(0, first),
    ...source.before,
    source.node,
    ...copied,
    ...behind.slice(first).map((node) => mapUses(node, use)),
  ]
}

interface Source {
  readonly entering: Value
  readonly before: readonly Node[]
  readonly node: Node
}

/** What enters the layer, once the latest gradient of its shape is there. */
function waitingFor(
  done: readonly Node[],
  entering: readonly Value[],
  types: Types,
): Source | undefined {
  for (const node of [...done].reverse()) {
    for (const output of node.outputs) {
      const shape = output && types.get(output)?.shape
      const found = entering.find((value) => {
        const own = types.get(value)
        return (
          own?.dtype === 'float32' && (own.shape?.length ?? 0) > 1 && equalShapes(own.shape, shape)
        )
      })
      if (!output || !found) continue
      const size = newNode('Shape', [output], 1, {}, { origin: node.origin })
      const after = newNode('Reshape', [found, size.outputs[0]], 1, {}, { origin: node.origin })
      return { entering: found, before: [size], node: after }
    }
  }
  return undefined
}

/** The layer's nodes from which the wanted values follow, in order. */
function neededFor(layer: readonly Node[], wanted: ReadonlySet<Value>): Node[] {
  const live = new Set(wanted)
  const needed: Node[] = []
  for (const node of [...layer].reverse()) {
    if (!node.outputs.some((output) => output && live.has(output))) continue
    needed.push(node)
    for (const value of usedValues(node)) live.add(value)
  }
  return needed.reverse()
}

/** The node on copied values; its own outputs are noted as copies. */
function copyOf(node: Node, copies: Map<Value, Value>): Node {
  const outputs = node.outputs.map((output) => {
    if (!output) return undefined
    const copy = { ...output, name: `${output.name}.again` }
    copies.set(output, copy)
    return copy
  })
  return { ...mapUses(node, (value) => copies.get(value) ?? value), outputs }
}
