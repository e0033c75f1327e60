/**
 * Layers by what quantization does to them: noise in decibels, and what it costs the answers by a cheap estimate.
 *
 * The estimate is ½ Σ (∇s · n)² over the texts (`train/expose-pulls.ts`); where the model has no gradient, noise
 * alone ranks. Nodes of one module path are one layer.
 */
import { LimbeckError } from '../errors.ts'
import { elementCount } from '../graph/data-type.ts'
import type { Graph, Node, Value } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { signalToNoise } from '../stats/divergence.ts'
import { type LayerNoise, layerNoise } from './layer-noise.ts'
import type { Feeds, ObserveOptions } from './observe.ts'

export interface RankedLayer {
  /** Module path, as `--exclude` takes it. */
  readonly path: string
  readonly kind: 'linear' | 'table'
  /** Decibels of the layer's output over what quantization alone adds to it; null without any noise. */
  readonly sqnr: number | null
  /** The same of the weights' rounding and of that of the input, where both are rounded. */
  readonly parts?: { readonly weights: number | null; readonly input: number | null } | undefined
  /** Loss of the answers, estimated for this layer alone; absent where the model has no gradient. */
  readonly estimate?: number | undefined
  /** What leaving it in fp32 adds to the file. */
  readonly bytes: number
}

/**
 * The layers of an annotated graph, most sensitive first.
 * @param samples texts of the batches
 * @throws LimbeckError `input` naming a layer whose values are not finite
 */
export async function rankLayers(
  graph: Graph,
  batches: readonly Feeds[],
  samples: number,
  read: ReadTensor,
  options: ObserveOptions,
): Promise<RankedLayer[]> {
  const noise = await layerNoise(graph, batches, read, options)
  const byPath = new Map<string, LayerNoise[]>()
  for (const each of noise) {
    const path = pathOf(each.node, graph)
    byPath.set(path, [...(byPath.get(path) ?? []), each])
  }
  const producers = new Map(graph.nodes.map((node) => [node.outputs[0], node]))
  const layers = [...byPath].map(([path, nodes]): RankedLayer => {
    const total = (of: (each: LayerNoise) => number) => nodes.reduce((sum, one) => sum + of(one), 0)
    const decibels = (of: (each: LayerNoise) => number): number | null => {
      const value = signalToNoise(
        total(({ signal }) => signal),
        total(of),
      )
      if (Number.isNaN(value)) throw notFinite(path)
      return Number.isFinite(value) ? value : null
    }
    const isSplit = nodes.some(({ parts }) => parts)
    return {
      path,
      kind: nodes[0]!.node.op === 'Gather' ? 'table' : 'linear',
      sqnr: decibels(({ noise }) => noise),
      ...(isSplit && {
        parts: {
          weights: decibels(({ parts, noise }) => parts?.weights ?? noise),
          input: decibels(({ parts }) => parts?.input ?? 0),
        },
      }),
      estimate: estimateOf(nodes, samples),
      bytes: sparedBytes(nodes, graph, producers),
    }
  })
  // without noise there is no loss; −∞ and null are the least of each
  const rank = ({ estimate, sqnr }: RankedLayer): number =>
    estimate ?? -(sqnr ?? Number.POSITIVE_INFINITY)
  return layers.sort((a, b) => rank(b) - rank(a))
}

/** What `--exclude` knows a node by. */
export function pathOf({ origin, inputs }: Node, graph: Graph): string {
  if (origin !== '') return origin
  const weight = inputs.map((value) => value && graph.weights.get(value)).find((each) => each)
  return weight?.parameter?.name ?? inputs[1]?.name ?? ''
}

/** What nodes of one layer do to a text adds up before it is squared. */
function estimateOf(nodes: readonly LayerNoise[], samples: number): number | undefined {
  if (!nodes.every(({ pulls }) => pulls)) return undefined
  let sum = 0
  const most = Math.max(...nodes.map(({ pulls }) => pulls!.length))
  for (let i = 0; i < most; i++) {
    sum += nodes.reduce((pull, { pulls }) => pull + (pulls![i] ?? 0), 0) ** 2
  }
  return sum / 2 / samples
}

/** Bytes that few bits spare; a weight that nodes share is stored once. */
function sparedBytes(
  nodes: readonly LayerNoise[],
  graph: Graph,
  producers: ReadonlyMap<Value | undefined, Node>,
): number {
  const spared = new Map<Value, number>()
  for (const { node } of nodes) {
    const { op, inputs } = node
    const stored = op === 'Gather' ? inputs[0] : producers.get(inputs[1])?.inputs[0]
    const note = node.quantization!
    if (stored) spared.set(stored, 4 - (note.scheme === 'blocks' ? note.weightBits : 8) / 8)
  }
  return [...spared].reduce(
    (sum, [value, each]) => sum + elementCount(graph.weights.get(value)?.tensor.shape ?? []) * each,
    0,
  )
}

/** A model that gives no numbers. */
export const notFinite = (name: string): LimbeckError =>
  new LimbeckError('input', `${name}: quantized or not, it gives values that are not finite.`, {
    hint: 'Try the model itself with limbeck run.',
  })
