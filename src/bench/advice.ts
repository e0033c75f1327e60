/**
 * What would help most: each way to a faster model with the milliseconds it predicts, the largest first.
 *
 * Predictions stand on measured times alone: linear layers by the times of their products in both widths,
 * other changes by the measured time of each part, scaled as its ideal time under the roofline scales.
 */
import type { ProductTime } from './measure-machine.ts'

export interface Advice {
  readonly what: string
  /** Milliseconds a run that it would save. */
  readonly predictedMs: number
  /** What it saved when it was tried here. */
  readonly measuredMs?: number
  /** True where the fp32 file already has it. */
  readonly applied?: boolean
}

/** A measured part of the model, and its ideal times now and with the change. */
export interface ScaledPart {
  readonly ms: number
  readonly idealMs: number
  readonly changedMs: number
}

/** Time that parts lose when their ideal time shrinks. */
export const scaledSaving = (parts: readonly ScaledPart[]): number =>
  parts.reduce((sum, { ms, idealMs, changedMs }) => {
    return idealMs > 0 ? sum + ms * (1 - Math.min(1, changedMs / idealMs)) : sum
  }, 0)

/** Share of their time that products save in INT8, quantizing the activations included. */
export function int8Saving(
  products: readonly (ProductTime & { readonly count: number })[],
): number {
  const sum = (of: (product: ProductTime) => number) =>
    products.reduce((total, product) => total + product.count * of(product), 0)
  const fp32 = sum(({ fp32Ms }) => fp32Ms)
  return fp32 > 0 ? 1 - sum(({ int8Ms }) => int8Ms) / fp32 : 0
}

/** What is left to do, the largest saving first; then what is done. */
export const ranked = (advice: readonly Advice[]): Advice[] =>
  [...advice].sort(
    (a, b) =>
      Number(a.applied ?? false) - Number(b.applied ?? false) || b.predictedMs - a.predictedMs,
  )
