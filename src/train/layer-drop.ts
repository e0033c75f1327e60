/**
 * LayerDrop (Fan et al. 2020): whole layers are skipped while a model trains, so that it can be cut to fewer
 * layers afterwards. Which ones a step skips depends on seed and step alone; the same for the whole batch.
 *
 * A layer's answer is chosen by a condition between what it computed and what entered it: exact in both
 * directions, the skipped layer's gradients are zeros. At least one layer always stays.
 */
import { LimbeckError } from '../errors.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { type Graph, mapUses, type Node, type Value } from '../graph/graph.ts'
import { encoderLayers } from '../passes/structure/encoder-layers.ts'
import { bitsAt, keyOf } from './mix-bits.ts'

export interface LayerDropOptions {
  /** Probability of skipping a layer; 0.1 to 0.2 are usual. */
  readonly rate: number
  readonly seed: number
}

const INPUT = 'layerdrop/keep'

/** The graph whose layers may be skipped, and which ones a step skips. */
export function withLayerDrop(
  graph: Graph,
  { rate, seed }: LayerDropOptions,
): { readonly graph: Graph; feeds(step: number, micro: number): Record<string, HostTensor> } {
  const layers = encoderLayers(graph)
  if (layers.length === 0) {
    throw new LimbeckError('graph', `${graph.name}: no encoder layers were found to skip.`)
  }
  const b = new GraphBuilder(graph.name)
  const keep = b.input(INPUT, 'bool', [layers.length])
  const chosen = new Map<Value, { readonly after: Value; readonly nodes: readonly Node[] }>()
  let entering: Value | undefined
  layers.forEach(({ input, output, nodes }, i) => {
    const before = b.build().nodes.length
    const after = b.scope(nodes.at(-1)?.origin ?? '', () => {
      const bounds = [b.int64s([i]), b.int64s([i + 1]), b.int64s([0])]
      const own = b.op('Slice', [keep, ...bounds])
      return b.op('Where', [own, output, entering ?? input])
    })
    chosen.set(output, { after, nodes: b.build().nodes.slice(before) })
    entering = after
  })
  const behind = (value: Value): Value => chosen.get(value)?.after ?? value
  const nodes = graph.nodes.flatMap((node) => [
    mapUses(node, behind),
    ...node.outputs.flatMap((output) => (output && chosen.get(output)?.nodes) ?? []),
  ])
  const added = b.build()
  const next = {
    ...graph,
    inputs: [...graph.inputs, ...added.inputs],
    outputs: graph.outputs.map((port) => ({ ...port, value: behind(port.value) })),
    nodes,
    weights: new Map([...graph.weights, ...added.weights]),
    taps: new Map([...graph.taps].map(([name, value]) => [name, behind(value)])),
  }
  return { graph: next, feeds: (step, micro) => keptLayers(seed, step, micro, rate, layers.length) }
}

function keptLayers(
  seed: number,
  step: number,
  micro: number,
  rate: number,
  layers: number,
): Record<string, HostTensor> {
  const key = keyOf(seed, 4, step, micro)
  const data = Uint8Array.from({ length: layers }, (_, i) =>
    bitsAt(key, i) < rate * 2 ** 32 ? 0 : 1,
  )
  if (!data.includes(1)) data[bitsAt(key, layers) % layers] = 1
  return { [INPUT]: { dtype: 'bool', shape: [layers], data } }
}
