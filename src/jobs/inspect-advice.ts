/** The ways to a faster model that `inspect` weighs, from what it measured. */
import { type Advice, int8Saving, type ScaledPart, scaledSaving } from '../bench/advice.ts'
import type { BenchShape } from '../bench/bench-shape.ts'
import type { MachineRates } from '../bench/measure-machine.ts'
import { idealMs, type Roofline } from '../bench/roofline.ts'
import type { NodeWork } from '../ops/graph-work.ts'
import type { Profile } from '../runtime/profile.ts'
import { inspectParts } from './inspect-parts.ts'
import type { InspectTimes } from './inspect-times.ts'

export interface Inspected {
  /** Of the model before any pass. */
  readonly macs: number
  /** fp32, then INT8. */
  readonly works: readonly [readonly NodeWork[], readonly NodeWork[]]
  /** fp32 at half the tokens; the nodes are the same. */
  readonly halfWork: readonly NodeWork[]
  readonly half: BenchShape
  /** Of fp32. */
  readonly profile: Profile
  readonly machine: MachineRates
  readonly times: InspectTimes
}

/** Below this share of a run a saving is noise. */
const LEAST_SHARE = 0.005

/** All that applies, in no order. */
export function adviseOn(inspected: Inspected): Advice[] {
  const { times } = inspected
  const advice = [int8Advice, ...tokenAdvice].map((weigh) => weigh(inspected))
  return advice
    .filter((one) => one !== undefined)
    .filter(({ predictedMs }) => Math.abs(predictedMs) > LEAST_SHARE * times.fp32Ms)
}

function int8Advice({ works: [, work], machine, times }: Inspected): Advice | undefined {
  const counts = new Map<string, number>()
  for (const { int8Macs, product } of work) {
    if (int8Macs === 0 || !product) continue
    counts.set(product.join(), (counts.get(product.join()) ?? 0) + 1)
  }
  const products = machine.products.map((one) => ({
    ...one,
    count: counts.get(one.size.join()) ?? 0,
  }))
  if (products.length === 0) return undefined
  return {
    what: 'INT8 for the linear layers (limbeck quantize)',
    predictedMs: int8Saving(products),
    measuredMs: times.fp32Ms - times.int8Ms,
  }
}

const tokenAdvice: readonly ((inspected: Inspected) => Advice | undefined)[] = [
  (inspected) => {
    const { half, times } = inspected
    if (half.sequence < 2) return undefined
    return {
      what: `texts of half the length (${half.sequence} tokens)`,
      predictedMs: scaledSaving(scaledParts(inspected, () => true)),
      measuredMs: times.fp32Ms - times.halfMs,
    }
  },
  (inspected) => {
    const layers = [
      ...new Set(inspected.profile.nodes.map(({ origin }) => layerNumber(origin) ?? -1)),
    ].filter((layer) => layer >= 0)
    const middle = layers.length >> 1
    if (layers.length < 2 || inspected.half.sequence < 2) return undefined
    const later = scaledParts(inspected, (origin) => (layerNumber(origin) ?? -1) >= middle)
    return {
      what: `dropping half of the tokens before layer ${middle + 1} of ${layers.length}`,
      predictedMs: scaledSaving(later),
    }
  },
  ({ macs, works: [work], machine: { roofline, products } }) => {
    const run = work.reduce((sum, node) => sum + node.macs, 0)
    if (macs <= run) return undefined
    return {
      what: 'computing only the pooled token in the last layer',
      predictedMs: ((2 * (macs - run)) / productRate(products, roofline)) * 1000,
      applied: true,
    }
  },
]

/** Number of the layer in a module path. */
const layerNumber = (origin: string): number | undefined => {
  const digits = origin.split('.').find((part) => /^\d+$/.test(part))
  return digits === undefined ? undefined : Number(digits)
}

/** Operations a second of the model's own fp32 products. */
function productRate(products: MachineRates['products'], roofline: Roofline): number {
  const operations = products.reduce((sum, { size: [m, k, n] }) => sum + 2 * m * k * n, 0)
  const ms = products.reduce((sum, { fp32Ms }) => sum + fp32Ms, 0)
  return ms > 0 ? (operations / ms) * 1000 : roofline.fp32FlopsPerSecond
}

/** Parts whose nodes satisfy `where`, with their ideal times at full and half length. */
function scaledParts(
  { works: [work], halfWork, profile, machine: { roofline } }: Inspected,
  where: (origin: string) => boolean,
): ScaledPart[] {
  const nodes = profile.nodes.filter(({ origin }) => where(origin))
  const some = { ...profile, nodes }
  const parts = (of: readonly NodeWork[]) =>
    inspectParts(
      'both',
      of.filter(({ node }) => where(node.origin)),
      some,
      roofline,
    )
  const changed = new Map(parts(halfWork).map((part) => [part.name, part]))
  return parts(work).map((part) => ({
    ms: part.ms,
    idealMs: part.idealMs,
    changedMs: idealMs(changed.get(part.name) ?? part, roofline),
  }))
}
