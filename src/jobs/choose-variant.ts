/**
 * The choice: the fastest variant that is not rejected (with `strict`, that is proven); the smallest where no
 * latency was measured.
 */
import { LimbeckError } from '../errors.ts'
import type { LatencyReport } from '../report/latency-report.ts'
import type { Report, VariantReport } from '../report/report.ts'

export interface Choice {
  readonly name: string
  /** One sentence. */
  readonly why: string
}

/** Without labels, a variant whose answers agree less often than this with the source is rejected. */
const LEAST_AGREEMENT = 0.95
/** Without classes, a mean cosine below this is. */
const LEAST_COSINE = 0.97

/** Picks among variants; the source, first in the list, is the fallback. */
export function chooseVariant(
  variants: readonly VariantReport[],
  headline: Report['headline'],
  strict: boolean,
): Choice {
  const source = variants[0]
  if (!source) throw new LimbeckError('graph', 'there is no variant to choose from.')
  const latencyOf = (variant: VariantReport): LatencyReport | undefined =>
    variant.latency.find((row) => row.shape === headline.shape && row.threads === headline.threads)
  const measured = variants.some((variant) => latencyOf(variant))
  const costOf = (variant: VariantReport): number =>
    measured ? (latencyOf(variant)?.p50 ?? Infinity) : variant.bytes
  const allowed = variants.filter((variant) => !refusal(variant, strict))
  const fastest = (allowed.length > 0 ? allowed : [source]).reduce((best, variant) =>
    costOf(variant) < costOf(best) ? variant : best,
  )
  if (fastest === source) {
    return {
      name: source.name,
      why: `No variant that is allowed is ${measured ? 'faster' : 'smaller'} than the source.`,
    }
  }
  const rule = strict ? 'proven to be within the allowed drop' : 'not rejected'
  return {
    name: fastest.name,
    why: `It is the ${measured ? `fastest at ${headline.shape}` : 'smallest'} of the ${allowed.length} variants that are ${rule}.`,
  }
}

/** Why a variant may not be chosen; undefined when it may. */
export function refusal(variant: VariantReport, strict: boolean): string | undefined {
  const { verification, simulated } = variant
  if (verification && !verification.ok) return verification.note ?? 'it is not its source'
  const here = judged(variant, strict)
  const there = simulated && judged(simulated, strict)
  return here ?? (there && `${there} on ${simulated.cpu}`)
}

function judged(
  { acceptance, fidelity }: Pick<VariantReport, 'acceptance' | 'fidelity'>,
  strict: boolean,
): string | undefined {
  if (acceptance) {
    if (acceptance.verdict === 'rejected') return 'its drop is more than allowed'
    return strict && acceptance.verdict !== 'proven'
      ? 'its drop is not proven to be allowed'
      : undefined
  }
  if (!fidelity) return undefined
  if (fidelity.nonFinite > 0) return 'some of its outputs are not finite'
  if (fidelity.agreement) {
    return fidelity.agreement.value < LEAST_AGREEMENT ? 'its answers differ too often' : undefined
  }
  return fidelity.cosine.mean < LEAST_COSINE ? 'its outputs are too far from the source' : undefined
}
