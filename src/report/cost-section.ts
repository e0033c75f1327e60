/** What a million requests take: hours, and energy and money where the user gave power and price. */
import { barDrawing } from './bar-chart.ts'
import type { DetailSection } from './detail-sections.ts'
import { nameTint } from './name-tint.ts'
import type { Report } from './report.ts'
import type { Estimate, RunningCost, RunningCostOf } from './report-details.ts'
import type { Cell, Column } from './table.ts'
import { formatInterval, formatNumber, unknown } from './units.ts'

/** A figure for a million requests, and how it is written. */
interface Measure {
  readonly title: string
  readonly column: string
  readonly of: (variant: RunningCostOf) => Estimate | undefined
  readonly write: (value: number) => string
}

const hours: Measure = {
  title: 'Hours',
  column: 'hours',
  of: (variant) => variant.hours,
  write: (value) => `${formatNumber(value)} h`,
}
const energy: Measure = {
  title: 'Energy',
  column: 'energy',
  of: ({ kilowattHours }) => kilowattHours,
  write: (value) => `${formatNumber(value)} kWh`,
}

function measures({ currency, pricePerHour, watts }: RunningCost): Measure[] {
  const money: Measure = {
    title: 'Cost',
    column: currency ? `cost, ${currency}` : 'cost',
    of: ({ price }) => price,
    write: (value) => moneyText(value, currency),
  }
  return [
    hours,
    ...(watts === undefined ? [] : [energy]),
    ...(pricePerHour === undefined ? [] : [money]),
  ]
}

/** Signs stand before the amount, codes behind it. */
function moneyText(
  value: number,
  currency = '',
  write: (value: number) => string = formatNumber,
): string {
  const amount = write(value)
  return /^\p{Sc}$/u.test(currency) ? `${currency}${amount}` : `${amount} ${currency}`.trim()
}

/** A price as it was given, with its cents. */
const givenText = (price: number): string =>
  Number.isInteger(price * 100) ? price.toFixed(2) : String(price)

/** Costs of every variant; the picture shows the last measure that is known. */
export function costSection(report: Report): DetailSection | undefined {
  const running = report.details?.running
  if (!running || running.variants.length === 0) return undefined
  const all = measures(running)
  const shown = all.at(-1)!
  const right = { align: 'right' } as const
  const columns: Column[] = [
    { title: 'variant' },
    { title: 'requests/s', ...right },
    ...all.map(({ column }) => ({ title: column, ...right })),
  ]
  return {
    title: 'A million requests',
    captions: [assumption(running), ...howToGive(running)],
    table: {
      columns,
      rows: running.variants.map((variant) => [
        variant.name,
        estimateCell(variant.requestsPerSecond, formatNumber),
        ...all.map((measure) => estimateCell(measure.of(variant), measure.write)),
      ]),
    },
    drawing: barDrawing({
      id: 'costs',
      title: `${shown.title} of a million requests`,
      description: running.variants
        .map((variant) => `${variant.name}: ${shown.write(shown.of(variant)?.value ?? Number.NaN)}`)
        .join('; '),
      axis: `${shown.title.toLowerCase()} of a million requests${unitOf(shown, running)}`,
      format: String,
      groups: [
        {
          rows: running.variants.map((variant) => {
            const { value, interval } = shown.of(variant)!
            const tint = nameTint(report, variant.name)
            return {
              label: variant.name,
              bars: [{ tint, value, interval, text: shown.write(value) }],
            }
          }),
        },
      ],
    }),
  }
}

const unitOf = (measure: Measure, { currency }: RunningCost): string =>
  measure === hours ? '' : measure === energy ? ', kWh' : currency ? `, ${currency}` : ''

const estimateCell = (estimate: Estimate | undefined, write: (value: number) => string): Cell =>
  estimate ? { text: write(estimate.value), detail: formatInterval(estimate.interval) } : unknown

/** What the figures hold for, in plain words. */
function assumption({ shape, threads, pricePerHour, currency, watts }: RunningCost): string {
  const [batch, tokens] = shape.split('x')
  const request =
    batch === '1'
      ? `a request is one text of ${tokens} tokens`
      : `a request is one of ${batch} texts of ${tokens} tokens that run together`
  const rates = [
    pricePerHour === undefined
      ? undefined
      : `an hour of the machine costs ${moneyText(pricePerHour, currency, givenText)}`,
    watts === undefined ? undefined : `it takes ${watts} W all the time`,
  ].filter((rate) => rate !== undefined)
  return `One process with ${threads} thread${threads === 1 ? '' : 's'} answers one run after the other without a pause (a closed loop), each in its median latency; ${request}${rates.length > 0 ? `; ${rates.join(', ')}` : ''}. Tokenization, network and idle hours are not in it; intervals are those of the latency.`
}

/** How to have what is missing; nothing is made up. */
function howToGive({ pricePerHour, watts }: RunningCost): string[] {
  const missing = [
    ...(pricePerHour === undefined
      ? ['its cost with --price (of the machine for an hour) and --currency']
      : []),
    ...(watts === undefined ? ['its energy with --power (watts)'] : []),
  ]
  return missing.length > 0 ? [`Not given, so not shown: ${missing.join('; ')}.`] : []
}
