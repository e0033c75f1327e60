/**
 * Names for what structure alone tells: nodes and parameters of each layer get the paths that BERT's have.
 *
 * Per-layer reports, name patterns and pruning stand on module paths; a file whose names are gone, or were
 * never there, gets them back: `encoder.layer.3.attention.self.query.weight`.
 */
import { type Graph, mapUses, type Node, type Value, type Weight } from '../../graph/graph.ts'
import type { Pass } from '../pass.ts'
import { type EncoderLayer, encoderLayers, type LinearNodes } from './encoder-layers.ts'
import { type GraphLinks, graphLinks } from './graph-links.ts'

/** Module paths of a layer's parts, relative to the layer; roles that share a linear layer share its name. */
export function partsOf(layer: EncoderLayer): [string, LinearNodes | Node | undefined][] {
  const merged = layer.query.matmul === layer.key.matmul
  const projections: [string, LinearNodes][] = merged
    ? [['attention.self.qkv', layer.query]]
    : [
        ['attention.self.query', layer.query],
        ['attention.self.key', layer.key],
        ['attention.self.value', layer.value],
      ]
  const several = layer.feedForwardIn.length > 1
  return [
    ...projections,
    ['attention.output.dense', layer.attentionOutput],
    ['attention.output.LayerNorm', layer.attentionNorm],
    ...layer.feedForwardIn.map((linear, i): [string, LinearNodes] => [
      several ? `intermediate.dense_${i}` : 'intermediate.dense',
      linear,
    ]),
    ['output.dense', layer.feedForwardOut],
    ['output.LayerNorm', layer.feedForwardNorm],
  ]
}

const parameterKinds: Readonly<Record<string, readonly (string | undefined)[]>> = {
  MatMul: [undefined, 'weight'],
  Add: ['bias', 'bias'],
  LayerNormalization: [undefined, 'weight', 'bias'],
  RMSNormalization: [undefined, 'weight'],
}

/** Gives layers their names; a graph without any is left as it is. */
export const nameLayers: Pass = {
  name: 'name-layers',
  summary: 'Names the layers and their parts by the structure of the graph.',
  apply(graph, trace) {
    const layers = encoderLayers(graph)
    if (layers.length === 0) return graph
    const links = graphLinks(graph)
    const origins = new Map<Node, string>()
    const named = new Map<Value, string>()
    layers.forEach((layer, i) => {
      const path = `encoder.layer.${i}`
      const attended = links.position(layer.context)
      for (const node of layer.nodes) {
        const inside = links.position(node) <= attended ? `${path}.attention.self` : path
        if (!origins.has(node)) origins.set(node, inside)
      }
      for (const [part, of] of partsOf(layer)) {
        if (!of) continue
        const nodes = 'matmul' in of ? [of.matmul, ...(of.bias ? [of.bias] : [])] : [of]
        for (const node of nodes) {
          origins.set(node, `${path}.${part}`)
          nameParameters({ graph, links, named }, node, `${path}.${part}`)
        }
      }
    })
    trace?.hits.set('encoder-layer', layers.length)
    return renamed(graph, origins, named)
  },
}

interface Naming {
  readonly graph: Graph
  readonly links: GraphLinks
  readonly named: Map<Value, string>
}

/** Notes the names of the parameters that a node reads, behind a transposition too. */
function nameParameters({ graph, links, named }: Naming, node: Node, path: string): void {
  node.inputs.forEach((input, i) => {
    const kind = parameterKinds[node.op]?.[i]
    const turned = input && links.producer(input)
    const value = turned?.op === 'Transpose' ? turned.inputs[0] : input
    if (kind && value && graph.weights.get(value)?.parameter && !named.has(value)) {
      named.set(value, `${path}.${kind}`)
    }
  })
}

function renamed(
  graph: Graph,
  origins: ReadonlyMap<Node, string>,
  named: ReadonlyMap<Value, string>,
): Graph {
  const values = new Map<Value, Value>()
  const weights = new Map<Value, Weight>()
  for (const [value, weight] of graph.weights) {
    const name = named.get(value)
    if (name === undefined) weights.set(value, weight)
    else {
      const fresh = { ...value, name }
      values.set(value, fresh)
      weights.set(fresh, { ...weight, parameter: { ...weight.parameter, name } })
    }
  }
  const rename = (value: Value): Value => values.get(value) ?? value
  const nodes = graph.nodes.map((node) => {
    const mapped = mapUses(node, rename)
    const origin = origins.get(node)
    return origin === undefined ? mapped : { ...mapped, origin }
  })
  return { ...graph, nodes, weights }
}
