/** `limbeck bench`. */
import type { BenchEntry, BenchRow } from '../bench/bench-models.ts'
import { formatShape } from '../bench/bench-shape.ts'
import type { Cell, Table } from '../report/index.ts'
import {
  formatBytes,
  formatInterval,
  formatMs,
  formatNumber,
  formatRatio,
} from '../report/units.ts'
import { hubOptionNames } from './options.ts'
import { tableText } from './show.ts'
import { defineVerb, type View } from './verb.ts'

export const benchVerb = defineVerb({
  arguments: [
    {
      name: '<model>',
      help: 'model folder, folder that Limbeck wrote, ONNX file, or org/name of the Hub',
    },
  ],
  options: [
    ...hubOptionNames,
    'vs',
    'variant',
    'threadCounts',
    'benchShapes',
    'benchSeconds',
    'seed',
  ],
  examples: [
    'bench ./out --vs ./my-model --threads 1,2 --shapes 1x128',
    'bench ./out --variant model_cpu_quantized --vs other.onnx',
  ],
  async run({ args: [model], options, signal, progress }) {
    const { bench } = await import('../jobs/bench.ts')
    const { revision, offline, vs, variant, seed, threadCounts, benchShapes, benchSeconds } =
      options
    const { rows } = await bench({
      model,
      revision,
      offline,
      vs,
      variant,
      threads: threadCounts,
      shapes: benchShapes,
      seconds: benchSeconds,
      seed,
      signal,
      progress,
    })
    return { json: { rows: rows.map(withoutTimes) }, text: (view) => benchText(rows, view) }
  },
})

/** A row without every single time that was taken. */
const withoutTimes = (row: BenchRow) => ({
  ...row,
  entries: row.entries.map(({ rounds, ...entry }) => ({ ...entry, rounds: rounds.length })),
})

function benchText(rows: readonly BenchRow[], view: View): string {
  const marked = rows.some(({ oversubscribed }) => oversubscribed)
  return [
    tableText(benchTable(rows), view),
    'p50 and p95 in one process each, turns interleaved; intervals 95 %.',
    ...(marked
      ? ['! more threads than the cores allotted: oversubscribed, not a figure to quote.']
      : []),
  ].join('\n')
}

function benchTable(rows: readonly BenchRow[]): Table {
  const right = { align: 'right' } as const
  const rivals = rows.some(({ entries }) => entries.length > 1)
  return {
    columns: [
      { title: 'shape', ...right },
      { title: 'threads', ...right },
      { title: 'model' },
      { title: 'p50', ...right },
      { title: 'p95', ...right, drop: 1 },
      ...(rivals ? [{ title: 'speed-up', ...right }] : []),
      { title: 'tokens/s', ...right, drop: 2 },
      { title: 'peak memory', ...right, drop: 3 },
    ],
    rows: rows.flatMap((row) =>
      row.entries.map((entry) => [
        formatShape(row.shape),
        row.oversubscribed
          ? { text: `${row.threads} !`, tone: 'doubt' as const }
          : `${row.threads}`,
        entry.name,
        { text: formatMs(entry.p50), detail: formatInterval(entry.p50Interval) },
        formatMs(entry.p95),
        ...(rivals ? [speedupCell(entry)] : []),
        formatNumber(entry.tokensPerSecond),
        formatBytes(entry.memory.peak),
      ]),
    ),
  }
}

const speedupCell = ({ vsRival }: BenchEntry): Cell =>
  vsRival
    ? { text: formatRatio(vsRival.speedup), detail: formatInterval(vsRival.interval) }
    : { text: '1×', tone: 'weak' }
