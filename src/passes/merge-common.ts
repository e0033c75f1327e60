/**
 * Common subexpressions: equal nodes on equal inputs are computed once, equal constants kept once.
 *
 * Random operators are never merged, nor are operators of domains we do not know, nor nodes with
 * subgraphs. Parameters keep their identity: two parameters with equal values stay two.
 */
import type { Attribute, Graph, Node, Value, Weight } from '../graph/graph.ts'
import { mapUses, subgraphs } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { recordHit } from '../graph/rewrite-trace.ts'
import type { Tensor } from '../graph/tensor.ts'
import { isRandom } from '../ops/known.ts'
import type { Pass } from './pass.ts'

const pureDomains: ReadonlySet<string> = new Set(['', 'com.microsoft'])
const LARGEST_COMPARED_CONSTANT = 4096

export const mergeCommon: Pass = {
  name: 'merge-common',
  summary: 'Computes equal expressions once and keeps equal constants once.',
  apply(graph, trace) {
    const merger = new Merger()
    const replaced = new Map<Value, Value>()
    const count = (rule: string, nodes: number): void => {
      if (trace) recordHit(trace, rule, nodes)
    }
    for (const [value, weight] of graph.weights) {
      const known = merger.constant(value, weight)
      if (known === value) continue
      replaced.set(value, known)
      count('constant', 0)
    }
    const resolve = (value: Value): Value => replaced.get(value) ?? value
    const nodes: Node[] = []
    for (const original of graph.nodes) {
      const node = mapUses(original, resolve)
      const known = merger.node(node)
      if (known) {
        node.outputs.forEach((output, i) => {
          if (output) replaced.set(output, known.outputs[i]!)
        })
        count(node.op, 1)
      } else nodes.push(node)
    }
    if (replaced.size === 0) return graph
    return pruneDead({ ...graph, nodes, ...resolvedPorts(graph, resolve) })
  },
}

function resolvedPorts(graph: Graph, resolve: (value: Value) => Value): Partial<Graph> {
  return {
    outputs: graph.outputs.map((port) => ({ ...port, value: resolve(port.value) })),
    taps: new Map([...graph.taps].map(([name, value]) => [name, resolve(value)])),
    quantization: new Map([...graph.quantization].map(([value, q]) => [resolve(value), q])),
  }
}

/** Remembers what it has seen by a text key built from the identities of values. */
class Merger {
  private readonly ids = new Map<object, number>()
  private readonly constants = new Map<string, Value>()
  private readonly nodes = new Map<string, Node>()

  /** The constant that stands for this one. */
  constant(value: Value, weight: Weight): Value {
    const key = weight.parameter ? undefined : this.tensorKey(weight.tensor)
    if (key === undefined) return value
    const known = this.constants.get(key)
    if (!known) this.constants.set(key, value)
    return known ?? value
  }

  /** An earlier node that computes the same; undefined when this is the first, or must not be merged. */
  node(node: Node): Node | undefined {
    if (!pureDomains.has(node.domain) || isRandom(node)) return undefined
    if (subgraphs(node).length > 0) return undefined
    const attributes = Object.keys(node.attributes)
      .sort()
      .map((name) => `${name}=${this.attributeKey(node.attributes[name]!)}`)
    const inputs = node.inputs.map((input) => (input ? this.id(input) : '_'))
    const present = node.outputs.map((output) => (output ? 1 : 0)).join('')
    const key = [
      node.domain,
      node.op,
      inputs,
      attributes,
      present,
      JSON.stringify(node.quantization),
    ]
    const text = key.join('|')
    const known = this.nodes.get(text)
    if (!known) this.nodes.set(text, node)
    return known
  }

  private attributeKey(attribute: Attribute): string {
    if (attribute.type === 'tensor')
      return this.tensorKey(attribute.value) ?? `#${this.id(attribute.value)}`
    if (attribute.type === 'opaque') return `#${this.id(attribute)}`
    const values = Array.isArray(attribute.value) ? attribute.value : [attribute.value]
    return `${attribute.type}:${values.map((value) => JSON.stringify(String(value)))}`
  }

  /** Text that equal tensors share; undefined for inline ones too large to compare. */
  private tensorKey(tensor: Tensor): string | undefined {
    const { source } = tensor
    const type = `${tensor.dtype}[${tensor.shape}]`
    if (source.kind === 'inline') {
      if (source.bytes.byteLength > LARGEST_COMPARED_CONSTANT) return undefined
      return `${type}=${String.fromCharCode(...source.bytes)}`
    }
    if (source.kind === 'file') return `${type}@${source.path}:${source.offset}:${source.length}`
    if (source.kind === 'strings') return undefined
    const inputs = source.inputs.map((input) => this.tensorKey(input) ?? `#${this.id(input)}`)
    return `${type}${source.op}(${inputs})${JSON.stringify(source.settings)}`
  }

  private id(object: object): number {
    let id = this.ids.get(object)
    if (id === undefined) this.ids.set(object, (id = this.ids.size))
    return id
  }
}
