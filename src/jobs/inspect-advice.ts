/**
 * The ways to a faster model that `inspect` weighs, from what it measured: one row each, with its
 * prediction and, where it could be tried, what it saved.
 */
import { type Advice, int8Saving, type ScaledPart, scaledSaving } from '../bench/advice.ts'
import type { BenchShape } from '../bench/bench-shape.ts'
import type { MachineRates } from '../bench/measure-machine.ts'
import { idealMs, type Roofline } from '../bench/roofline.ts'
import type { NodeWork } from '../ops/graph-work.ts'
import { formatCount } from '../report/units.ts'
import type { Profile } from '../runtime/profile.ts'
import { inspectParts } from './inspect-parts.ts'
import { unique } from './inspect-shapes.ts'

/** Runs that are timed for advice; `fp32` is the base of all but the lowering. */
export type AdviceRun = 'source' | 'fp32' | 'int8' | 'half' | 'larger' | 'right' | 'threads'

/** Times of those that were run; milliseconds. */
export type AdviceTimes = { readonly fp32: number } & Readonly<Partial<Record<AdviceRun, number>>>

export interface Inspected {
  /** Of the model before any pass. */
  readonly macs: number
  /** Nodes of each run that differs in what it computes. */
  readonly works: { readonly fp32: readonly NodeWork[] } & Readonly<
    Partial<Record<AdviceRun, readonly NodeWork[]>>
  >
  readonly shape: BenchShape
  readonly half: BenchShape
  readonly larger: BenchShape
  readonly threads: number
  readonly moreThreads: number
  /** Of fp32. */
  readonly profile: Profile
  readonly sourceProfile?: Profile | undefined
  readonly machine: MachineRates
  readonly times: AdviceTimes
}

type Weigh = (inspected: Inspected) => Advice | undefined

/** Below these shares of a run a saving is noise. */
const LEAST_SHARE = 0.005
const LEAST_MEASURED_SHARE = 0.03

/** All that applies, in no order. */
export function adviseOn(inspected: Inspected): Advice[] {
  const { fp32 } = inspected.times
  return ways
    .map((weigh) => weigh(inspected))
    .filter((one) => one !== undefined)
    .filter(
      ({ predictedMs, measuredMs = 0 }) =>
        Math.abs(predictedMs) > LEAST_SHARE * fp32 ||
        Math.abs(measuredMs) > LEAST_MEASURED_SHARE * fp32,
    )
}

/** Share of a run that more threads can share, by Amdahl's law; undefined where it was not tried. */
export function parallelShare({ times, threads, moreThreads }: Inspected): number | undefined {
  if (times.threads === undefined) return undefined
  const shared = 1 - times.threads / times.fp32
  return Math.min(1, Math.max(0, shared / (1 - threads / moreThreads)))
}

const saved = ({ times }: Inspected, run: AdviceRun): { measuredMs?: number } => {
  const ms = times[run]
  return ms === undefined ? {} : { measuredMs: times.fp32 - ms }
}

const ways: readonly Weigh[] = [
  // what the lowered graph no longer moves or computes, products and the rest apart
  ({ works, sourceProfile, machine: { roofline }, times }) => {
    if (!works.source || !sourceProfile || times.source === undefined) return undefined
    const parts = [true, false].map((product): ScaledPart => {
      const nodes = sourceProfile.nodes.filter(({ kernel }) => isProduct(kernel) === product)
      const ideal = (work: readonly NodeWork[]) =>
        work
          .filter(({ node, macs }) => (macs > 0 || isProduct(node.op)) === product)
          .reduce((sum, one) => sum + idealMs(one, roofline), 0)
      return {
        ms: nodes.reduce((sum, { ms }) => sum + ms, 0),
        idealMs: ideal(works.source!),
        changedMs: ideal(works.fp32),
      }
    })
    return {
      what: 'lowering for this CPU, from fp32 as exported',
      predictedMs: scaledSaving(parts),
      measuredMs: times.source - times.fp32,
      applied: true,
    }
  },
  (inspected) => {
    const { works, machine } = inspected
    const counts = new Map<string, number>()
    for (const product of productsOf(works.int8 ?? works.fp32, works.int8 !== undefined)) {
      counts.set(product.join(), (counts.get(product.join()) ?? 0) + 1)
    }
    const products = machine.products.map((one) => ({
      ...one,
      count: counts.get(one.size.join()) ?? 0,
    }))
    if (counts.size === 0) return undefined
    return {
      what: `INT8 for the linear layers${works.int8 ? ' (limbeck quantize)' : ''}`,
      predictedMs: int8Saving(products) * linearMs(inspected),
      ...saved(inspected, 'int8'),
    }
  },
  (inspected) => {
    const { half, works } = inspected
    if (half.sequence < 2 || !works.half) return undefined
    return {
      what: `texts of half the length (${half.sequence} tokens)`,
      predictedMs: scaledSaving(scaledParts(inspected, works.half)),
      ...saved(inspected, 'half'),
    }
  },
  (inspected) => {
    const { profile, half, works } = inspected
    const numbers = profile.nodes.map(({ origin }) => layerNumber(origin))
    const layers = new Set(numbers.filter((number) => number !== undefined)).size
    const middle = layers >> 1
    if (layers < 2 || half.sequence < 2 || !works.half) return undefined
    const later = (origin: string) => (layerNumber(origin) ?? -1) >= middle
    return {
      what: `dropping half of the tokens before layer ${middle + 1} of ${layers}`,
      predictedMs: scaledSaving(scaledParts(inspected, works.half, 1, later)),
    }
  },
  ({ macs, works, machine: { roofline, products } }) => {
    const own = new Set(productsOf(works.fp32, false).map((size) => size.join()))
    const run = works.fp32.reduce((sum, node) => sum + node.macs, 0)
    if (macs <= run) return undefined
    return {
      what: 'computing only the pooled token in the last layer',
      predictedMs:
        ((2 * (macs - run)) /
          productRate(
            products.filter(({ size }) => own.has(size.join())),
            roofline,
          )) *
        1000,
      applied: true,
    }
  },
  // what is bound by arithmetic is shared; memory and overhead are not
  (inspected) => {
    const { threads, moreThreads, works, profile, machine, times } = inspected
    if (times.threads === undefined) return undefined
    const parts = inspectParts('operator', works.fp32, profile, machine.roofline)
    const bound = parts.filter((part) => part.bound === 'compute')
    return {
      what: `${moreThreads} threads instead of ${threads}`,
      predictedMs: bound.reduce((sum, { ms }) => sum + ms, 0) * (1 - threads / moreThreads),
      ...saved(inspected, 'threads'),
    }
  },
  (inspected) => {
    const { works } = inspected
    if (!works.right) return undefined
    return {
      what: 'padding on the right alone (library: save)',
      predictedMs: scaledSaving(scaledParts(inspected, works.right)),
      ...saved(inspected, 'right'),
    }
  },
  (inspected) => {
    const { shape, larger, works, times } = inspected
    if (!works.larger || times.larger === undefined) return undefined
    const factor = larger.batch / shape.batch
    const rate = (ms: number) => formatCount((shape.batch * shape.sequence * 1000) / ms)
    const ms = times.larger / factor
    return {
      what: `${larger.batch} texts a run: ${rate(ms)} tokens/s, not ${rate(times.fp32)}`,
      predictedMs: rowsSaving(inspected, works.larger, factor),
      measuredMs: times.fp32 - ms,
    }
  },
]

/**
 * Time a text that more rows a run save: products by their own times at both sizes, since a kernel gets better
 * with rows as no roofline says, and the rest as its limit scales.
 */
function rowsSaving(inspected: Inspected, larger: readonly NodeWork[], factor: number): number {
  const { works, machine } = inspected
  const times = new Map(machine.products.map(({ size, fp32Ms }) => [size.join(), fp32Ms]))
  const total = (work: readonly NodeWork[]) =>
    productsOf(work, false).reduce((sum, size) => sum + times.get(size.join())!, 0)
  const now = total(works.fp32)
  // of a quantized file only the fp32 rest was timed
  const timed = now > 0 && productsOf(works.fp32, true).length === 0
  if (!timed) return scaledSaving(scaledParts(inspected, larger, factor))
  const rest = scaledParts(inspected, larger, factor, (_, op) => !isLinear(op))
  return linearMs(inspected) * (1 - total(larger) / factor / now) + scaledSaving(rest)
}

/** Kernels that multiply matrices, whatever ONNX Runtime has fused into them. */
const isProduct = (kernel: string): boolean => /MatMul|Gemm|Attention/.test(kernel)

const isLinear = (kernel: string): boolean => isProduct(kernel) && !kernel.includes('Attention')

/** Milliseconds of fp32 products with weights; kernels that do others, too, by their share of the MACs. */
function linearMs({ works: { fp32 }, profile }: Inspected): number {
  const ms = profile.nodes.reduce((sum, node) => sum + (isLinear(node.kernel) ? node.ms : 0), 0)
  const all = fp32.filter(({ node }) => isLinear(node.op))
  const macs = (of: readonly NodeWork[]) => of.reduce((sum, one) => sum + one.macs, 0)
  return (
    ms *
    (macs(all.filter(({ product, int8Macs }) => product && int8Macs === 0)) /
      Math.max(1, macs(all)))
  )
}

/** Products with weights: those with INT8 operands, or those without. */
const productsOf = (work: readonly NodeWork[], int8: boolean) =>
  work.flatMap(({ int8Macs, product }) => (product && int8Macs > 0 === int8 ? [product] : []))

/** Sizes of the products that advice asks the machine for. */
export const productSizes = ({ fp32, int8 = [], larger = [] }: Inspected['works']) =>
  unique([...productsOf(int8, true), ...productsOf(fp32, false), ...productsOf(larger, false)])

/** Number of the layer in a module path. */
export const layerNumber = (origin: string): number | undefined => {
  const digits = origin.split('.').find((part) => /^\d+$/.test(part))
  return digits === undefined ? undefined : Number(digits)
}

/** Operations a second of the model's own fp32 products. */
function productRate(products: MachineRates['products'], roofline: Roofline): number {
  const operations = products.reduce((sum, { size: [m, k, n] }) => sum + 2 * m * k * n, 0)
  const ms = products.reduce((sum, { fp32Ms }) => sum + fp32Ms, 0)
  return ms > 0 ? (operations / ms) * 1000 : roofline.fp32FlopsPerSecond
}

/**
 * Parts of fp32 with their ideal times, now and changed.
 * @param factor how many runs of now the changed work does.
 * @param where module paths, or operators, that change.
 */
function scaledParts(
  { works, profile, machine: { roofline } }: Inspected,
  changedWork: readonly NodeWork[],
  factor = 1,
  where: (origin: string, op: string) => boolean = () => true,
): ScaledPart[] {
  const nodes = profile.nodes.filter(({ origin, kernel }) => where(origin, kernel))
  const parts = (of: readonly NodeWork[]) =>
    inspectParts(
      'both',
      of.filter(({ node }) => where(node.origin, node.op)),
      { ...profile, nodes },
      roofline,
    )
  const changed = new Map(parts(changedWork).map((part) => [part.name, part]))
  return parts(works.fp32).map(({ name, ms, idealMs: now }) => {
    const part = changed.get(name)
    return { ms, idealMs: now, changedMs: part ? idealMs(part, roofline) / factor : 0 }
  })
}
