/**
 * Dynamic INT8 as an annotation: which linear layers and tables are to be computed with 8 bits.
 *
 * Weights get one symmetric scale per output column, activations one range at run time, embedding tables
 * one scale per row (each row is read alone). The graph's operators stay as they are: `lower-*` turns the
 * notes into kernels. After Q8BERT (Zafrir et al. 2019) and ONNX Runtime's dynamic quantizer.
 */

import { elementCount } from '../graph/data-type.ts'
import type { Graph, Node, NodeQuantization, Value, Weight } from '../graph/graph.ts'
import { linearWeight } from './linear-layer.ts'
import type { Pass } from './pass.ts'

export interface DynamicQuantization {
  /** 7 keeps u8×s8 sums exact on CPUs that saturate (AVX2, AVX-512 without VNNI); 8 needs VNNI or better. */
  readonly weightBits: 7 | 8
  /** Quantize embedding tables too (default true). */
  readonly tables?: boolean | undefined
  /** Module paths or parameter names left in fp32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
}

/** Below this many elements 8 bits save nothing: a head of a few classes keeps its precision. */
const SMALLEST_WEIGHT = 4096

/** Annotates every linear layer and embedding table that gains from it. */
export function quantizeDynamic(options: DynamicQuantization): Pass {
  const excluded = (options.exclude ?? []).map(globPattern)
  const note = (granularity: NodeQuantization['granularity']): NodeQuantization => ({
    scheme: granularity === 'row' ? 'weight-only' : 'dynamic',
    bits: 8,
    weightBits: granularity === 'row' ? 8 : options.weightBits,
    granularity,
  })
  return {
    name: 'quantize-dynamic-int8',
    summary: 'Marks linear layers and embedding tables for INT8 with ranges found at run time.',
    apply(graph, trace) {
      const producers = new Map<Value, Node>()
      const context = {
        producer: (value: Value) => producers.get(value),
        weight: (value: Value) => graph.weights.get(value),
      }
      const nodes = graph.nodes.map((node) => {
        for (const output of node.outputs) if (output) producers.set(output, node)
        const kind = node.quantization ? undefined : kindOf(node, context, graph)
        if (!kind || (kind.granularity === 'row' && options.tables === false)) return node
        const names = [node.origin, graph.weights.get(kind.value)?.parameter?.name ?? '']
        if (excluded.some((pattern) => names.some((name) => pattern.test(name)))) return node
        trace?.hits.set(kind.rule, (trace.hits.get(kind.rule) ?? 0) + 1)
        return { ...node, quantization: note(kind.granularity) }
      })
      return nodes.some((node, i) => node !== graph.nodes[i]) ? { ...graph, nodes } : graph
    },
  }
}

interface Kind {
  readonly rule: string
  readonly granularity: 'column' | 'row'
  readonly value: Value
}

function kindOf(
  node: Node,
  context: Parameters<typeof linearWeight>[1],
  graph: Graph,
): Kind | undefined {
  const linear = linearWeight(node, context)
  if (linear && isWorthwhile(linear.weight)) {
    return { rule: 'linear', granularity: 'column', value: linear.value }
  }
  const table = node.op === 'Gather' && node.domain === '' ? node.inputs[0] : undefined
  const weight = table && graph.weights.get(table)
  const axis = node.attributes.axis
  const isTable =
    weight?.parameter &&
    weight.tensor.shape.length === 2 &&
    (axis === undefined || (axis.type === 'int' && Number(axis.value) === 0)) &&
    isWorthwhile(weight)
  return table && isTable ? { rule: 'table', granularity: 'row', value: table } : undefined
}

/** Large enough, and float32: the kernels give float32 back. */
const isWorthwhile = ({ tensor }: Weight): boolean =>
  tensor.dtype === 'float32' && elementCount(tensor.shape) >= SMALLEST_WEIGHT

/** A pattern with `*` for any text, anchored at both ends. */
function globPattern(text: string): RegExp {
  const escaped = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`)
}
