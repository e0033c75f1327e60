/**
 * What would help most: each way to a faster model with the milliseconds it predicts, the largest first.
 *
 * Predictions stand on measured times alone: products by their times in both widths, shorter inputs by the
 * measured time of each part, scaled as its ideal time under the roofline scales.
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

/** Time saved by INT8 products: their fp32 less their INT8 times, quantizing the activations included. */
export const int8Saving = (
  products: readonly (ProductTime & { readonly count: number })[],
): number => products.reduce((sum, { count, fp32Ms, int8Ms }) => sum + count * (fp32Ms - int8Ms), 0)

/** What is left to do, the largest saving first; then what is done. */
export const ranked = (advice: readonly Advice[]): Advice[] =>
  [...advice].sort(
    (a, b) =>
      Number(a.applied ?? false) - Number(b.applied ?? false) || b.predictedMs - a.predictedMs,
  )
