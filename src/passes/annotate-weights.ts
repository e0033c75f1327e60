/**
 * The weights that quantization is about, found in one place for every scheme: linear layers and embedding
 * tables. A scheme says what note each kind gets; the lowering turns the notes into kernels.
 */
import { elementCount } from '../graph/data-type.ts'
import type { Graph, Node, NodeQuantization, Value, Weight } from '../graph/graph.ts'
import {
  beginSweep,
  type RewriteTrace,
  recordHit,
  recordMiss,
  workOf,
} from '../graph/rewrite-trace.ts'
import { linearWeight } from './linear-layer.ts'
import { globPattern, matchesNothing } from './name-patterns.ts'
import type { Pass } from './pass.ts'

/** Which weights a scheme leaves alone. */
export interface WeightSelection {
  /** Quantize embedding tables too (default true). */
  readonly tables?: boolean | undefined
  /** Module paths or parameter names left in fp32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
  /** Nothing but what these name; default all. */
  readonly only?: readonly string[] | undefined
  /** Weights of fewer elements stay as they are (default 4096): a head of a few classes keeps its precision. */
  readonly smallest?: number | undefined
}

/** What kind of weight a note is for. */
export type WeightKind = 'linear' | 'table'

export interface Annotation extends WeightSelection {
  readonly name: string
  readonly summary: string
  /** The note of a weight of this kind; a sentence why it gets none. */
  note(kind: WeightKind, weight: Weight, node: Node, name: string): NodeQuantization | string
}

/** Below this many elements few bits save nothing. */
const SMALLEST_WEIGHT = 4096

/** A pass that annotates every linear layer and embedding table that gains from it. */
export const annotateWeights = (annotation: Annotation): Pass => ({
  name: annotation.name,
  summary: annotation.summary,
  apply: (graph, trace) => annotated(graph, annotation, trace),
})

function annotated(graph: Graph, annotation: Annotation, trace: RewriteTrace | undefined): Graph {
  const patternsOf = (texts: readonly string[] = []) =>
    texts.map((text) => ({ text, pattern: globPattern(text) }))
  const excluded = patternsOf(annotation.exclude)
  const only = annotation.only && patternsOf(annotation.only)
  const matched = new Set<string>()
  const names: string[] = []
  const producers = new Map<Value, Node>()
  const context = {
    producer: (value: Value) => producers.get(value),
    weight: (value: Value) => graph.weights.get(value),
  }
  const { smallest = SMALLEST_WEIGHT } = annotation
  /** Whether a pattern names the weight; all patterns are tried, so that an idle one is known. */
  const matching = (patterns: typeof excluded, own: readonly string[]): boolean => {
    const found = patterns.filter(({ pattern }) => own.some((name) => pattern.test(name)))
    for (const { text } of found) matched.add(text)
    return found.length > 0
  }
  const noteOf = (
    kind: Kind,
    node: Node,
    weight: Weight,
    name: string,
  ): NodeQuantization | string => {
    const { tensor, parameter } = weight
    const own = [node.origin, parameter?.name ?? ''].filter((name) => name !== '')
    names.push(...own)
    const isOut = matching(excluded, own)
    const isIn = !only || matching(only, own)
    if (node.quantization) return 'is marked already'
    if (!isIn) return 'is not among those named'
    if (kind.rule === 'table' && annotation.tables === false) return 'tables are to stay fp32'
    if (isOut) return 'is excluded'
    // the kernels give float32 back
    if (tensor.dtype !== 'float32') return `is ${tensor.dtype}, not float32`
    const elements = elementCount(tensor.shape)
    if (elements >= smallest) return annotation.note(kind.rule, weight, node, name)
    return `has ${elements} elements: below ${smallest}, fewer bits save nothing`
  }
  if (trace) for (const { rule, op } of kinds) beginSweep(trace, rule, [op])
  const nodes = graph.nodes.map((node) => {
    for (const output of node.outputs) if (output) producers.set(output, node)
    const kind = kinds.find(({ op }) => op === node.op && node.domain === '')
    if (!kind) return node
    const value = kind.weightOf(node, context)
    const weight = value && graph.weights.get(value)
    const name = weight?.parameter?.name ?? value?.name ?? ''
    const note = weight && noteOf(kind, node, weight, name)
    if (trace && (!value || typeof note === 'string')) workOf(trace, kind.rule).left++
    if (!value || !weight || note === undefined) return node
    const { rule } = kind
    if (typeof note !== 'string') {
      if (trace) recordHit(trace, rule)
      return { ...node, quantization: note }
    }
    const { op, origin } = node
    if (trace) recordMiss(trace, { rule, depth: 2, op, origin, value: name, reason: note })
    return node
  })
  const idle = (patterns: typeof excluded) => patterns.find(({ text }) => !matched.has(text))
  const unnamed = names.length > 0 && (idle(excluded) ?? idle(only ?? []))
  if (unnamed) {
    const option = excluded.includes(unnamed) ? '--exclude' : '--override'
    throw matchesNothing(unnamed.text, names, option)
  }
  return nodes.some((node, i) => node !== graph.nodes[i]) ? { ...graph, nodes } : graph
}

interface Kind {
  readonly rule: WeightKind
  readonly op: string
  /** The value that holds the weight; undefined where the node is of no such kind. */
  weightOf(node: Node, context: WeightContext): Value | undefined
}

type WeightContext = Parameters<typeof linearWeight>[1]

const kinds: readonly Kind[] = [
  {
    rule: 'linear',
    op: 'MatMul',
    weightOf: (node, context) => linearWeight(node, context)?.value,
  },
  {
    rule: 'table',
    op: 'Gather',
    weightOf({ inputs: [table], attributes: { axis } }, context) {
      const weight = table && context.weight(table)
      const ofRows = axis === undefined || (axis.type === 'int' && Number(axis.value) === 0)
      return weight?.parameter && weight.tensor.shape.length === 2 && ofRows ? table : undefined
    },
  },
]
