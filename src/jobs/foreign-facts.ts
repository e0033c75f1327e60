/**
 * What is told of a foreign graph before anything is done to it: what runs fused already, whether it is
 * quantized, whether it still trains.
 */
import { LimbeckError } from '../errors.ts'
import { intOf } from '../graph/attributes.ts'
import { type Graph, type Node, subgraphs } from '../graph/graph.ts'
import { inlineValues } from '../graph/tensor.ts'

/** Operators that runtimes have one kernel for and that exporters take apart. */
export interface FusedCounts {
  readonly nodes: number
  readonly attention: number
  readonly layerNorm: number
  readonly gelu: number
}

const fused: Readonly<Record<'attention' | 'layerNorm' | 'gelu', ReadonlySet<string>>> = {
  attention: new Set(['Attention', 'MultiHeadAttention', 'GroupQueryAttention', 'PackedAttention']),
  layerNorm: new Set([
    'LayerNormalization',
    'SkipLayerNormalization',
    'RMSNormalization',
    'SimplifiedLayerNormalization',
    'SkipSimplifiedLayerNormalization',
  ]),
  gelu: new Set(['Gelu', 'FastGelu', 'BiasGelu', 'QuickGelu']),
}

/** Every node, those of subgraphs too. */
const allNodes = (graph: Graph): Node[] =>
  graph.nodes.flatMap((node) => [node, ...subgraphs(node).flatMap(allNodes)])

/** Counts nodes, and those that are fused. */
export function fusedCounts(graph: Graph): FusedCounts {
  const nodes = allNodes(graph)
  const count = (ops: ReadonlySet<string>): number => nodes.filter(({ op }) => ops.has(op)).length
  return {
    nodes: nodes.length,
    attention: count(fused.attention),
    layerNorm: count(fused.layerNorm),
    gelu: count(fused.gelu),
  }
}

/** Names of operators that only a quantized model has. */
const quantizedOp =
  /^(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|MatMulInteger|ConvInteger|MatMulNBits|GatherBlockQuantized|DynamicQuantize\w+|MatMulIntegerToFloat|QLinear\w+|QGemm|QAttention|QOrdered\w+|QEmbed\w+)$/

/** Quantized operators and how many there are of each; empty for a model of floats. */
export function quantizedOps(graph: Graph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { op } of allNodes(graph)) {
    if (quantizedOp.test(op)) counts.set(op, (counts.get(op) ?? 0) + 1)
  }
  return counts
}

/** Whether anything drops at random or follows its batches: an export made while training. */
export const trains = (graph: Graph): boolean =>
  allNodes(graph).some((node) => {
    if (node.op === 'BatchNormalization') return intOf(node, 'training_mode', 0) === 1
    const mode = node.op === 'Dropout' ? node.inputs[2] : undefined
    const tensor = mode && graph.weights.get(mode)?.tensor
    return Boolean(mode && (!tensor || Number(inlineValues(tensor)?.[0] ?? 1) !== 0))
  })

/** Sentences on what a graph is, for whoever looks at the result. */
export function foreignNotes(graph: Graph): string[] {
  const quantized = [...quantizedOps(graph)].map(([op, count]) => `${count} ${op}`)
  return [
    ...(quantized.length > 0
      ? [
          `The file is quantized already (${quantized.join(', ')}): these operators are left as they are.`,
        ]
      : []),
    ...(trains(graph)
      ? [
          'The file was exported in training mode: its Dropout is switched off, and it is compared with itself without it.',
        ]
      : []),
  ]
}

/** @throws LimbeckError for a graph whose weights are integers already, where they are to be quantized. */
export function checkFloat(graph: Graph, path: string): void {
  const [op] = quantizedOps(graph).keys()
  if (op === undefined) return
  throw new LimbeckError('input', `${path}: it is quantized already (${op}).`, {
    hint: 'Give the file in floats that it was made from, or use limbeck fuse.',
  })
}
