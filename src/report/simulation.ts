/** What a file does on a CPU whose integer products saturate: as data, and in words. */
import { listed } from './kernel-report.ts'
import { formatNumber, formatPercent } from './units.ts'

/** Products of a file as a CPU computes them. */
export interface SimulatedLayers {
  /** As it was asked for, such as `avx2`. */
  readonly cpu: string
  /** False where that CPU's products are exact: all is as it is without. */
  readonly saturates: boolean
  /** Of unsigned and signed bytes. */
  readonly products: number
  /** Products that did saturate on the data, the most first. */
  readonly saturated: readonly SaturatedProduct[]
  /** Products whose weights allow it. */
  readonly possible: number
  /** Products that were taken as exact, since they cannot be simulated (convolutions, QAttention). */
  readonly skipped: readonly string[]
}

export interface SaturatedProduct {
  /** Module path, or the weight's name. */
  readonly at: string
  /** Of its sums of two products, between 0 and 1. */
  readonly share: number
}

/** Small shares matter here. */
const shareText = (share: number): string =>
  share < 0.001 ? `${formatNumber(share * 100, 2)} %` : formatPercent(share)

/** `30 of 37 products saturate (…)`, or why none does. */
export function saturationText(layers: SimulatedLayers): string {
  const { saturates, products, possible, saturated, skipped } = layers
  const rest =
    skipped.length > 0 ? `; ${skipped.length} could not be simulated (${listed(skipped)})` : ''
  if (!saturates) return 'its products are exact, so all is as above'
  if (products === 0)
    return 'there are no products of unsigned and signed bytes, so all is as above'
  if (possible === 0) return `none of the ${products} products can saturate${rest}`
  if (saturated.length === 0) {
    return `none of the ${products} products saturates on this data, though ${possible} could${rest}`
  }
  const worst = saturated[0]!
  const at = listed(saturated.map((one) => one.at))
  return `${saturated.length} of ${products} products saturate (${at}), at worst ${shareText(worst.share)} of the sums of ${worst.at}${rest}`
}
