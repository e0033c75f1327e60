/**
 * Dynamic INT8 as an annotation: which linear layers and tables are to be computed with 8 bits.
 *
 * Weights get one symmetric scale per output column, activations one range at run time, embedding tables
 * one scale per row (each row is read alone). The graph's operators stay as they are: `lower-*` turns the
 * notes into kernels. After Q8BERT (Zafrir et al. 2019) and ONNX Runtime's dynamic quantizer.
 */

import { elementCount } from '../graph/data-type.ts'
import type { Node, NodeQuantization, Value, Weight } from '../graph/graph.ts'
import { beginSweep, recordHit, recordMiss, workOf } from '../graph/rewrite-trace.ts'
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
  const reasonAgainst = (kind: Kind, node: Node, { tensor, parameter }: Weight) => {
    const elements = elementCount(tensor.shape)
    const names = [node.origin, parameter?.name ?? '']
    if (kind.granularity === 'row' && options.tables === false) return 'tables are to stay fp32'
    if (excluded.some((pattern) => names.some((name) => pattern.test(name)))) return 'is excluded'
    // the kernels give float32 back
    if (tensor.dtype !== 'float32') return `is ${tensor.dtype}, not float32`
    if (elements >= SMALLEST_WEIGHT) return undefined
    return `has ${elements} elements: below ${SMALLEST_WEIGHT}, 8 bits save nothing`
  }
  return {
    name: 'quantize-dynamic-int8',
    summary: 'Marks linear layers and embedding tables for INT8 with ranges found at run time.',
    apply(graph, trace) {
      const producers = new Map<Value, Node>()
      const context = {
        producer: (value: Value) => producers.get(value),
        weight: (value: Value) => graph.weights.get(value),
      }
      if (trace) for (const { rule, op } of kinds) beginSweep(trace, rule, [op])
      const nodes = graph.nodes.map((node) => {
        for (const output of node.outputs) if (output) producers.set(output, node)
        const kind = kinds.find(({ op }) => op === node.op && node.domain === '')
        if (!kind || node.quantization) return node
        const value = kind.weightOf(node, context)
        const weight = value && graph.weights.get(value)
        const against = weight && reasonAgainst(kind, node, weight)
        if (trace && (!value || against)) workOf(trace, kind.rule).left++
        if (!value || !weight) return node
        const { rule, granularity } = kind
        if (!against) {
          if (trace) recordHit(trace, rule)
          return { ...node, quantization: note(granularity) }
        }
        const { op, origin } = node
        const name = weight.parameter?.name ?? value.name
        if (trace) recordMiss(trace, { rule, depth: 2, op, origin, value: name, reason: against })
        return node
      })
      return nodes.some((node, i) => node !== graph.nodes[i]) ? { ...graph, nodes } : graph
    },
  }
}

interface Kind {
  readonly rule: string
  readonly op: string
  readonly granularity: 'column' | 'row'
  /** The value that holds the weight; undefined where the node is of no such kind. */
  weightOf(node: Node, context: WeightContext): Value | undefined
}

type WeightContext = Parameters<typeof linearWeight>[1]

const kinds: readonly Kind[] = [
  {
    rule: 'linear',
    op: 'MatMul',
    granularity: 'column',
    weightOf: (node, context) => linearWeight(node, context)?.value,
  },
  {
    rule: 'table',
    op: 'Gather',
    granularity: 'row',
    weightOf({ inputs: [table], attributes: { axis } }, context) {
      const weight = table && context.weight(table)
      const ofRows = axis === undefined || (axis.type === 'int' && Number(axis.value) === 0)
      return weight?.parameter && weight.tensor.shape.length === 2 && ofRows ? table : undefined
    },
  },
]

/** A pattern with `*` for any text, anchored at both ends. */
function globPattern(text: string): RegExp {
  const escaped = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`)
}
