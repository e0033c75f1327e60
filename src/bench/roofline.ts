/**
 * The roofline: what a machine can do a second, and which of its limits a piece of work meets.
 *
 * Ideal time = max(operations / peak rate, bytes / bandwidth), after Williams, Waterman and Patterson,
 * "Roofline" (2009). Bandwidth is that of memory: what stays in a cache may be faster than its ideal.
 */
import type { Work } from '../ops/graph-work.ts'

/** What the machine reached; operations are 2 a multiply-accumulate. */
export interface Roofline {
  readonly fp32FlopsPerSecond: number
  /** u8 × s8 products. */
  readonly int8OpsPerSecond: number
  /** Read and written together. */
  readonly bytesPerSecond: number
}

/** `code`: far from both limits, so its own instructions or the runtime's overhead decide. */
export type Bound = 'compute' | 'memory' | 'code'

export interface Limit {
  readonly idealMs: number
  readonly bound: Bound
  /** Share of the limit that was reached. */
  readonly reached: number
}

/** Below this share of both limits, neither is what bounds. */
const FAR_FROM_LIMIT = 0.25

/** Milliseconds that the machine needs at least. */
export function idealTimes(work: Work, roofline: Roofline): { compute: number; memory: number } {
  const wide = work.flops - 2 * work.int8Macs
  const seconds =
    wide / roofline.fp32FlopsPerSecond + (2 * work.int8Macs) / roofline.int8OpsPerSecond
  const bytes = work.weightBytes + work.activationBytes
  return { compute: seconds * 1000, memory: (bytes / roofline.bytesPerSecond) * 1000 }
}

export const idealMs = (work: Work, roofline: Roofline): number => {
  const { compute, memory } = idealTimes(work, roofline)
  return Math.max(compute, memory)
}

/** Which limit work meets that took `ms`. */
export function limitOf(work: Work, ms: number, roofline: Roofline): Limit {
  const { compute, memory } = idealTimes(work, roofline)
  const ideal = Math.max(compute, memory)
  const reached = ms > 0 ? ideal / ms : 0
  const nearest = compute >= memory ? 'compute' : 'memory'
  return { idealMs: ideal, bound: reached < FAR_FROM_LIMIT ? 'code' : nearest, reached }
}

/** Operations for each byte moved. */
export const intensityOf = ({ flops, weightBytes, activationBytes }: Work): number =>
  flops / Math.max(1, weightBytes + activationBytes)
