/**
 * Joins what a lowered graph says (work, by node) with what ran (times, by node of the profile), by
 * operator and by layer: the file's node names carry both.
 */
import { intensityOf, type Limit, limitOf, type Roofline } from '../bench/roofline.ts'
import { addWork, type NodeWork, noWork, type Work } from '../ops/graph-work.ts'
import { layerOf } from '../ops/layer-of.ts'
import type { Profile, ProfiledNode } from '../runtime/profile.ts'

/** An operator or a layer: its work and its time. */
export interface InspectedPart extends Work, Limit {
  readonly name: string
  readonly nodes: number
  readonly ms: number
  /** Of the time of all nodes, between 0 and 1. */
  readonly share: number
  /** Operations a byte moved. */
  readonly intensity: number
}

/** Where a piece of work or time belongs. */
interface Place {
  readonly origin: string
  readonly op: string
}

const keys = {
  operator: ({ op }: Place) => op,
  layer: ({ origin }: Place) => layerOf(origin),
  /** Operators of one layer: fine enough to scale, coarse enough to survive fusion. */
  both: ({ origin, op }: Place) => `${layerOf(origin)}/${op}`,
} as const

/** Parts in the order in which they first run. */
export function inspectParts(
  by: keyof typeof keys,
  work: readonly NodeWork[],
  profile: Profile,
  roofline: Roofline,
): InspectedPart[] {
  const parts = new Map<string, { work: Work; nodes: number; ms: number }>()
  const partOf = (place: Place) => {
    const name = keys[by](place)
    const part = parts.get(name) ?? { work: noWork, nodes: 0, ms: 0 }
    parts.set(name, part)
    return part
  }
  const known = new Set(work.map(({ node }) => node.op))
  const total = profile.nodes.reduce((sum, { ms }) => sum + ms, 0)
  for (const node of profile.nodes) partOf(placeOf(node, known)).ms += node.ms
  for (const one of work) {
    const part = partOf(one.node)
    part.nodes++
    part.work = addWork(part.work, one)
  }
  return [...parts].map(([name, { work: sum, nodes, ms }]) => ({
    name,
    nodes,
    ms,
    share: total > 0 ? ms / total : 0,
    ...sum,
    intensity: intensityOf(sum),
    ...limitOf(sum, ms, roofline),
  }))
}

/** By the file's operator, or by the kernel where ONNX Runtime made the node. */
const placeOf = ({ origin, op, kernel }: ProfiledNode, known: ReadonlySet<string>): Place => ({
  origin,
  op: known.has(op) ? op : kernel,
})
