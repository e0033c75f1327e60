/** Threads and length of texts: latencies measured side by side while one of them changes. */
import { barDrawing } from './bar-chart.ts'
import type { DetailSection } from './detail-sections.ts'
import type { LatencyReport, LatencySweep } from './latency-report.ts'
import { lineDrawing } from './line-chart.ts'
import { keyOf, nameTint } from './name-tint.ts'
import { sourceOf } from './outcome.ts'
import type { Report } from './report.ts'
import type { Cell } from './table.ts'
import {
  formatCount,
  formatInterval,
  formatMs,
  formatNumber,
  formatRatio,
  unknown,
} from './units.ts'

const right = { align: 'right' } as const

const threadsText = (threads: number): string => `${threads} thread${threads === 1 ? '' : 's'}`

/** Every variant at every thread count. */
export function threadsSection(report: Report): DetailSection | undefined {
  const sweep = report.details?.threads
  const rows = sweep?.variants[0]?.latency
  const [first] = rows ?? []
  if (!sweep || !rows || !first) return undefined
  const { allottedCores } = report.machine
  const title = 'Threads'
  return {
    title,
    captions: [
      `Median latency at ${first.shape} by the threads of a run; ${intervalWords(report, sweep)}.`,
      ...(rows.some(({ oversubscribed }) => oversubscribed)
        ? [
            `More than the ${allottedCores} core${allottedCores === 1 ? '' : 's'} allotted (dashed): threads wait for each other there; not figures to quote.`,
          ]
        : []),
    ],
    table: {
      columns: [
        { title: 'variant' },
        ...rows.map(({ threads, oversubscribed }) => ({
          title: `${threadsText(threads)}${oversubscribed ? ' !' : ''}`,
          ...right,
        })),
      ],
      rows: sweep.variants.map(({ name, latency }) => [name, ...latency.map(latencyCell)]),
    },
    drawing: barDrawing({
      id: 'threads',
      title: `Latency of ${sweep.variants.length} variants by threads`,
      description: sweep.variants
        .map(({ name, latency }) => `${name}: ${latency.map(spokenRow).join(', ')}`)
        .join('; '),
      axis: `p50 latency in ms at ${first.shape}`,
      format: String,
      groups: rows.map(({ threads, oversubscribed }, i) => ({
        title: `${threadsText(threads)}${oversubscribed ? ', more than the cores' : ''}`,
        rows: sweep.variants.map(({ name, latency }) => {
          const { p50, p50Interval } = latency[i]!
          return {
            label: name,
            bars: [
              {
                tint: nameTint(report, name),
                value: p50,
                interval: p50Interval,
                text: formatMs(p50),
                doubtful: oversubscribed,
              },
            ],
          }
        }),
      })),
    }),
  }
}

const spokenRow = ({ threads, p50 }: LatencyReport): string =>
  `${formatMs(p50)} with ${threadsText(threads)}`

const latencyCell = ({ p50, p50Interval, vsSource }: LatencyReport): Cell => ({
  text: formatMs(p50),
  detail: `${formatInterval(p50Interval)}${vsSource ? `; ${formatRatio(vsSource.speedup)}` : ''}`,
})

/** What the intervals are, and whether speed-ups stand beside them. */
const intervalWords = (report: Report, { variants }: LatencySweep): string =>
  variants.some(({ latency }) => latency.some(({ vsSource }) => vsSource))
    ? `95 % intervals, and the speed-up over ${sourceOf(report).name}, turns interleaved`
    : '95 % intervals, turns interleaved'

const tokensOf = ({ shape }: LatencyReport): number => Number(shape.split('x')[1])

/** Source and chosen variant over the length of one text. */
export function lengthsSection(report: Report): DetailSection | undefined {
  const sweep = report.details?.lengths
  const [first, ...others] = sweep?.variants ?? []
  if (!sweep || !first || first.latency.length === 0) return undefined
  const { threads } = first.latency[0]!
  return {
    title: 'Length of the text',
    captions: [
      `Median latency of one text with ${threadsText(threads)}; ${intervalWords(report, sweep)}. Both axes grow by powers: equal distances are equal ratios.`,
    ],
    table: {
      columns: [
        { title: 'tokens' },
        ...sweep.variants.map(({ name }) => ({ title: name, ...right })),
        ...others.map(() => ({ title: 'speed-up', ...right })),
        { title: 'tokens/s', ...right, drop: 1 },
      ],
      rows: first.latency.map((row, i) => [
        formatCount(tokensOf(row)),
        ...sweep.variants.map(
          ({ latency }): Cell => ({
            text: formatMs(latency[i]!.p50),
            detail: formatInterval(latency[i]!.p50Interval),
          }),
        ),
        ...others.map(({ latency }): Cell => ratioCell(latency[i]!)),
        formatNumber((others.at(-1) ?? first).latency[i]!.tokensPerSecond),
      ]),
    },
    key: keyOf(report, sweep.variants),
    drawing: lineDrawing({
      id: 'lengths',
      title: 'Latency by the length of a text',
      description: sweep.variants
        .map(
          ({ name, latency }) =>
            `${name}: ${latency.map((row) => `${formatMs(row.p50)} for ${tokensOf(row)} tokens`).join(', ')}`,
        )
        .join('; '),
      xAxis: 'tokens of one text',
      yAxis: 'p50 latency, ms',
      between: others[0]?.latency.flatMap((row) =>
        row.vsSource ? [{ x: tokensOf(row), text: formatRatio(row.vsSource.speedup) }] : [],
      ),
      lines: sweep.variants.map(({ name, latency }) => ({
        name,
        tint: nameTint(report, name),
        points: latency.map((row) => ({ x: tokensOf(row), y: row.p50, interval: row.p50Interval })),
      })),
    }),
  }
}

const ratioCell = ({ vsSource }: LatencyReport): Cell =>
  vsSource
    ? { text: formatRatio(vsSource.speedup), detail: formatInterval(vsSource.interval) }
    : unknown
