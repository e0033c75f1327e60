/** What a report comes to: the chosen variant beside its source, and the verdicts as sentences. */
import type { Acceptance, Verdict } from '../stats/acceptance.ts'
import type { LatencyReport } from './latency-report.ts'
import { qualityAxis } from './quality-axis.ts'
import type { Report, VariantReport } from './report.ts'
import type { Tone } from './table.ts'
import { formatCount, formatDrop, formatInterval, formatRatio } from './units.ts'

/** The tone of each verdict. */
export const verdictTones: Readonly<Record<Verdict, Tone>> = {
  proven: 'good',
  rejected: 'bad',
  undecided: 'doubt',
}

/** The variant that everything is compared with: the first. */
export function sourceOf({ variants }: Report): VariantReport {
  const [source] = variants
  if (!source) throw new Error('internal: a report without variants')
  return source
}

/** The chosen variant; the source where the name is none of the variants. */
export const chosenOf = (report: Report): VariantReport =>
  report.variants.find(({ name }) => name === report.chosen) ?? sourceOf(report)

/** A variant's latency in the headline row. */
export const headlineLatency = (
  { headline }: Report,
  variant: VariantReport,
): LatencyReport | undefined =>
  variant.latency.find((row) => row.shape === headline.shape && row.threads === headline.threads)

/** `1x128, 1 thread`. */
export const headlineText = ({ headline: { shape, threads } }: Report): string =>
  `${shape}, ${threads} thread${threads === 1 ? '' : 's'}`

/** The verdict on a variant; one whose outputs are not its source's is rejected whatever its metric says. */
export const verdictOf = ({ acceptance, verification }: VariantReport): Verdict | undefined =>
  verification?.ok === false ? 'rejected' : acceptance?.verdict

/** What the acceptance of a variant says, as a sentence without its full stop. */
export function verdictSentence(report: Report, variant: VariantReport): string | undefined {
  const { acceptance, quality } = variant
  if (!acceptance || !quality) return undefined
  const write = (drop: number): string => formatDrop(quality.name, drop)
  const { drop, allowed } = acceptance
  const found = drop < 0 ? `a gain of ${write(-drop)}` : `a drop of ${write(drop)}`
  const limit = `${write(allowed)} is allowed (${report.settings.maxDrop})`
  return `${acceptance.verdict}: ${found} on ${formatCount(acceptance.n)} paired examples, ${because[acceptance.verdict](acceptance, write)}; ${limit}`
}

type Because = (acceptance: Acceptance, write: (drop: number) => string) => string

const atMost: Because = ({ drop, upper }, write) =>
  Number.isFinite(upper)
    ? `${drop < 0 ? 'a drop of at most' : 'at most'} ${write(upper)} with 95 % confidence`
    : 'without an upper bound'

const because: Readonly<Record<Verdict, Because>> = {
  proven: atMost,
  rejected: () => 'more than is allowed',
  undecided: (acceptance, write) => {
    const needed = acceptance.needed
    const bound = atMost(acceptance, write)
    return needed === undefined ? bound : `${bound}; about ${formatCount(needed)} would decide`
  },
}

/** The gain as a sentence: `INT8 is 2.41× as fast (2.35 to 2.47) and 3.90× smaller than …`. */
export function gainSentence(report: Report): string {
  const [source, chosen] = [sourceOf(report), chosenOf(report)]
  if (source === chosen) return `The source stays: ${source.name}.`
  const ratio = headlineLatency(report, chosen)?.vsSource
  const speed = ratio
    ? `${formatRatio(ratio.speedup)} as fast (${formatInterval(ratio.interval)}) and `
    : ''
  const size = `${sizeWords(source.bytes / chosen.bytes)} ${source.name}`
  return `${chosen.name} is ${speed}${size}${qualityClause(report, source, chosen)}.`
}

const sizeWords = (shrink: number): string =>
  shrink >= 1.05
    ? `${formatRatio(shrink)} smaller than`
    : shrink > 0.95
      ? 'as large as'
      : `${formatRatio(1 / shrink)} larger than`

function qualityClause(report: Report, source: VariantReport, chosen: VariantReport): string {
  const axis = qualityAxis(report)
  const [before, after] = [axis?.valueOf(source), axis?.valueOf(chosen)]
  if (!axis || after === undefined) return ''
  const value = `; ${axis.title} ${axis.format(after)}`
  return axis.relative || before === undefined
    ? value
    : `${value}, the source ${axis.format(before)}`
}
