/** What a model's parts cost, for who may want fewer of them: a layer in time, the largest table in bytes. */
import { elementCount } from '../graph/data-type.ts'
import type { Graph } from '../graph/graph.ts'
import type { Profile } from '../runtime/profile.ts'
import { median } from '../stats/quantile.ts'
import { layerNumber } from './inspect-advice.ts'

/** What a repeated layer takes. */
export interface LayerCost {
  readonly layers: number
  /** Median over the layers; milliseconds of a run without the profiler. */
  readonly ms: number
}

/** The largest embedding table: fewer words make it smaller, not faster. */
export interface TableCost {
  readonly name: string
  readonly parameters: number
  /** Of all parameters, between 0 and 1. */
  readonly share: number
  /** Bytes of one row in fp32. */
  readonly bytesPerRow: number
}

/** Time of one layer of several alike; undefined where there are none. */
export function layerCost(profile: Profile, ms: number): LayerCost | undefined {
  const byLayer = new Map<number, number>()
  for (const { origin, ms: own } of profile.nodes) {
    const layer = layerNumber(origin)
    if (layer !== undefined) byLayer.set(layer, (byLayer.get(layer) ?? 0) + own)
  }
  if (byLayer.size < 2) return undefined
  return { layers: byLayer.size, ms: median([...byLayer.values()]) * (ms / profile.runMs) }
}

/** The largest parameter that rows are taken from. */
export function tableCost(graph: Graph, parameters: number): TableCost | undefined {
  let largest: TableCost | undefined
  for (const { op, inputs } of graph.nodes) {
    const weight = op === 'Gather' && inputs[0] ? graph.weights.get(inputs[0]) : undefined
    const [, width] = weight?.tensor.shape ?? []
    if (!weight || !width) continue
    const count = elementCount(weight.tensor.shape)
    if (count <= (largest?.parameters ?? 0)) continue
    const name = weight.parameter?.name ?? inputs[0]!.name
    largest = { name, parameters: count, share: count / parameters, bytesPerRow: 4 * width }
  }
  return largest
}
