/** What a file does on a CPU whose integer products saturate: as data, and in words. */
import type { MetricName } from '../data/metrics.ts'
import { listed } from './kernel-report.ts'
import type { Report, SimulatedReport } from './report.ts'
import {
  formatDrop,
  formatFour,
  formatMetric,
  formatNumber,
  formatPercent,
  metricTitle,
} from './units.ts'

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

/** `On avx2: accuracy 89.9 %, no drop; 25 of 37 products saturate (…). Weights of 7 bits cannot …` */
export function simulationSentence(layers: SimulatedLayers, figures: string | undefined): string {
  const words = [figures, saturationText(layers)].filter((text) => text !== undefined).join('; ')
  const advice =
    layers.saturated.length > 0
      ? ' Weights of 7 bits cannot saturate (limbeck quantize --weight-bits 7).'
      : ''
  return `On ${layers.cpu}: ${words}.${advice}`
}

/** A metric there, and what it lost on the way from here: positive where it is worse. */
export function changedMetric(name: MetricName, value: number, drop: number): string {
  const size = formatDrop(name, Math.abs(drop))
  const change = drop === 0 ? 'no drop' : `a ${drop > 0 ? 'drop' : 'gain'} of ${size}`
  return `${metricTitle(name)} ${formatMetric(name, value)}, ${change}`
}

/** What variants give on the CPU that was simulated, a sentence each. */
export const simulationNotes = ({ variants }: Report): string[] =>
  variants.flatMap(({ name, simulated, quality, fidelity }) => {
    if (!simulated) return []
    const figures = reportFigures(simulated, { quality, fidelity })
    const verdict = simulated.acceptance?.verdict
    const words = verdict === undefined ? figures : `${figures} (beside the source ${verdict})`
    return [`${name}. ${simulationSentence(simulated, words)}`]
  })

function reportFigures(
  there: SimulatedReport,
  here: Pick<SimulatedReport, 'quality' | 'fidelity'>,
): string | undefined {
  if (there.quality && here.quality) {
    const { name, value, better } = there.quality
    const drop = better === 'higher' ? here.quality.value - value : value - here.quality.value
    return changedMetric(name, value, drop)
  }
  if (!there.fidelity || !here.fidelity) return undefined
  const [found, usual] = [there.fidelity.cosine.mean, here.fidelity.cosine.mean]
  return `mean cosine to the source ${formatFour(found)}, here ${formatFour(usual)}`
}
