/**
 * Layers dropped from a logical graph: what read a layer's output reads its input (the MiniLM and DistilBERT
 * recipe of keeping every second layer; Sajjad et al. 2020).
 */
import { LimbeckError } from '../../errors.ts'
import { type Graph, mapUses, type Value } from '../../graph/graph.ts'
import { pruneDead } from '../../graph/liveness.ts'
import type { Pass } from '../pass.ts'
import { encoderLayers } from './encoder-layers.ts'

/** Drops the layers of these numbers, from 0. @throws LimbeckError when there is no such layer. */
export const dropLayers = (numbers: readonly number[]): Pass => ({
  name: 'drop-layers',
  summary: `Drops ${numbers.length === 1 ? 'layer' : 'layers'} ${numbers.join(', ')}.`,
  apply(graph) {
    const layers = encoderLayers(graph)
    const wrong = numbers.find((number) => !layers[number])
    if (wrong !== undefined) {
      throw new LimbeckError(
        'usage',
        `there is no layer ${wrong} to drop; the model has ${layers.length === 0 ? 'none that is recognised' : `layers 0 to ${layers.length - 1}`}.`,
      )
    }
    if (numbers.length === 0) return graph
    const instead = new Map<Value, Value>()
    for (const number of numbers) instead.set(layers[number]!.output, layers[number]!.input)
    return pruneDead(replaced(graph, instead))
  },
})

function replaced(graph: Graph, instead: ReadonlyMap<Value, Value>): Graph {
  const resolve = (value: Value): Value => {
    const next = instead.get(value)
    return next ? resolve(next) : value
  }
  const taps = [...graph.taps].filter(([, value]) => !instead.has(value))
  return {
    ...graph,
    nodes: graph.nodes.map((node) => mapUses(node, resolve)),
    outputs: graph.outputs.map((port) => ({ ...port, value: resolve(port.value) })),
    taps: new Map(taps),
  }
}
