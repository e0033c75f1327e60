/** The figures of all schemes as a Markdown table, one row a scheme and a task. */
import { formatBytes, formatSeconds } from '../src/report/units.ts'
import type { Interval } from '../src/stats/index.ts'

/** One scheme on one task, as measured in the file for this CPU. */
export interface QuantizationRow {
  readonly task: string
  readonly scheme: string
  readonly bytes: number
  readonly metric: string
  readonly value: number
  readonly interval: Interval
  /** Mean cosine of its outputs to the source's. */
  readonly cosine: number
  /** Largest difference of a text alone and in a batch. */
  readonly batchDifference: number
  /** Where the portable file runs. */
  readonly runsIn: string
  /** Integer products of the file for this CPU that can saturate on AVX2, and all of them. */
  readonly saturating: number
  readonly products: number
  /** Of `quantize`, with its comparison. */
  readonly seconds: number
  readonly peakBytes: number
  /** Medians. */
  readonly latency: readonly {
    readonly shape: string
    readonly threads: number
    readonly ms: number
  }[]
}

const four = (value: number): string => value.toFixed(4)

const onAvx2 = ({ saturating, products }: QuantizationRow): string =>
  saturating === 0 ? 'exact' : `${saturating} of ${products} products can saturate`

/** Markdown; empty without rows. */
export function quantizationTable(rows: readonly QuantizationRow[]): string {
  const cells = rows[0]?.latency.map(({ shape, threads }) => `${shape}, ${threads} T (ms)`) ?? []
  const titles = ['task', 'scheme', 'size', ...cells, 'metric (95 %)', 'cosine', 'batch changes']
  const verdicts = ['portable file runs in', 'CPU file on AVX2']
  const all = [...titles, ...verdicts, 'made in', 'peak memory']
  const lines = rows.map((row) => [
    ...[row.task, `\`${row.scheme}\``, formatBytes(row.bytes)],
    ...row.latency.map(({ ms }) => ms.toFixed(2)),
    `${four(row.value)} (${four(row.interval.low)} to ${four(row.interval.high)})`,
    ...[row.cosine.toFixed(5), row.batchDifference.toExponential(1), row.runsIn, onAvx2(row)],
    ...[formatSeconds(row.seconds), formatBytes(row.peakBytes)],
  ])
  return [all, all.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n')
}
