/** What a measurement of sensitivity came to, as plain data: tables, heat maps and advice are drawn from it. */
import type { LossName } from '../fit/output-loss.ts'
import type { RankedLayer } from '../fit/rank-layers.ts'
import type { Interval } from '../stats/interval.ts'

/** A loss of the answers against fp32: the mean of the texts. */
export interface MeasuredLoss {
  readonly mean: number
  readonly interval: Interval
}

export interface LayerSensitivity extends RankedLayer {
  /** Loss of the answers when this layer alone is quantized; absent where it was not measured. */
  readonly loss?: MeasuredLoss | undefined
}

export interface SensitivityReport {
  /** As a user names it. */
  readonly scheme: string
  /** Most sensitive first: by loss where measured, then by its estimate, or by noise where there is none. */
  readonly layers: readonly LayerSensitivity[]
  /** What the losses are: divergence of classes in nats, 1 − cosine of vectors, squared difference of a score. */
  readonly loss: LossName
  /** All layers quantized. */
  readonly all: MeasuredLoss
  /** The fewest layers that halve the loss when left in fp32; absent where the measured ones do not. */
  readonly advice?: { readonly exclude: readonly string[]; readonly loss: MeasuredLoss } | undefined
  readonly samples: number
  readonly tokens: number
  /** Why inputs were made up; absent where texts were read. */
  readonly madeUp?: string | undefined
}
