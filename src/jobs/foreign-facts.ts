/**
 * What is told of a foreign graph before anything is done to it: what runs fused already, whether it is
 * quantized, whether it still trains.
 */
import { LimbeckError } from '../errors.ts'
import { intOf } from '../graph/attributes.ts'
import { type Graph, type Node, subgraphs } from '../graph/graph.ts'
import { inlineValues } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import {
  dequantizeGraph,
  isQuantizedOp,
  type StillQuantized,
} from '../passes/dequantize/dequantize.ts'
import { computesInHalf } from '../passes/widen-half.ts'
import type { AnyModel } from './any-model.ts'
import type { Reading } from './logical-graph.ts'
import type { BuiltVariant } from './variants.ts'

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

/** Quantized operators and how many there are of each; empty for a model of floats. */
export function quantizedOps(graph: Graph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const node of allNodes(graph)) {
    if (isQuantizedOp(node)) counts.set(node.op, (counts.get(node.op) ?? 0) + 1)
  }
  return counts
}

/** How far a file's own rounding lets two runs of it differ: it jumps where a sum is off by its last bit. */
export const roundingOf = (graph: Graph): Pick<BuiltVariant, 'quantized' | 'half'> => ({
  quantized: quantizedOps(graph).size > 0,
  half: computesInHalf(graph),
})

/** Whether anything drops at random or follows its batches: an export made while training. */
export const trains = (graph: Graph): boolean =>
  allNodes(graph).some((node) => {
    if (node.op === 'BatchNormalization') return intOf(node, 'training_mode', 0) === 1
    const mode = node.op === 'Dropout' ? node.inputs[2] : undefined
    const tensor = mode && graph.weights.get(mode)?.tensor
    return Boolean(mode && (!tensor || Number(inlineValues(tensor)?.[0] ?? 1) !== 0))
  })

/** Sentences on what a graph is, for whoever looks at the result. */
export function foreignNotes(graph: Graph, { dequantize }: Reading = {}): string[] {
  return [
    ...(dequantize ? dequantizedNotes(graph) : quantizedNotes(graph)),
    ...(trains(graph)
      ? [
          'The file was exported in training mode: what only training does (Dropout, statistics of the batch) is switched off, and it is compared with itself without that.',
        ]
      : []),
  ]
}

const countsText = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([op, count]) => `${count} ${op}`).join(', ')

/** What is left alone, and the option that would not. */
function quantizedNotes(graph: Graph): string[] {
  const counts = quantizedOps(graph)
  const notes: string[] = []
  if (counts.size > 0) {
    notes.push(
      `The file is quantized already (${countsText(counts)}): these operators are left as they are; --dequantize makes floats of them.`,
    )
  }
  if (computesInHalf(graph)) {
    notes.push('The file computes in half floats, and goes on to; --dequantize makes it float32.')
  }
  return notes
}

/** What `--dequantize` did, and what it could not do. */
function dequantizedNotes(graph: Graph): string[] {
  const counts = quantizedOps(graph)
  const isHalf = computesInHalf(graph)
  if (counts.size === 0 && !isHalf) return ['--dequantize changed nothing: the file holds floats.']
  const made = [
    ...(counts.size > 0 ? [countsText(counts)] : []),
    ...(isHalf ? ['its half floats'] : []),
  ].join(' and ')
  const left = stillQuantized(graph)
  if (left.length === 0) return [`Floats were made of ${made}.`]
  return [`Floats were made of ${made}, except of ${leftText(left)}.`]
}

/** What cannot be made floats. */
const stillQuantized = (graph: Graph): readonly StillQuantized[] =>
  dequantizeGraph(graph, tensorReader(nodeFiles).read).left

/** The first of each operator. */
const leftText = (left: readonly StillQuantized[]): string =>
  [...new Map(left.toReversed().map((each) => [each.op, each]))]
    .map(([op, { origin, reason }]) => {
      const count = left.filter((each) => each.op === op).length
      return `${count} ${op} (${origin === '' ? '' : `${origin}: `}${reason})`
    })
    .join(', ')

/** @throws LimbeckError for a graph that is not in floats, where it is to be quantized. */
export function checkFloat({ graph, path, dequantize }: AnyModel): void {
  const counts = quantizedOps(graph)
  if (counts.size > 0 && dequantize) {
    throw new LimbeckError(
      'input',
      `${path}: it stays quantized in ${leftText(stillQuantized(graph))}.`,
      { hint: 'Give the file in floats that it was made from, or use limbeck fuse.' },
    )
  }
  const what =
    counts.size > 0
      ? `is quantized already (${countsText(counts)})`
      : computesInHalf(graph) && 'computes in half floats'
  if (!what) return
  throw new LimbeckError('input', `${path}: it ${what}.`, {
    hint: 'Add --dequantize to make it float32 first, or give the file that it was made from.',
  })
}
