/** The sample report with all that `limbeck report` adds, for the tests of this room. */
import type { LatencySweep } from '../latency-report.ts'
import type { Report } from '../report.ts'
import type { LayerBytes, ReportDetails } from '../report-details.ts'
import { runningCost } from '../running-cost.ts'
import { sampleReport } from './sample-report.ts'

const names = ['fp32 as exported', 'fp32 optimized', 'INT8 portable', 'INT8'] as const

interface Row {
  readonly shape: string
  readonly threads: number
  /** Of each name, in milliseconds. */
  readonly p50: readonly number[]
}

const sweep = (variants: readonly string[], rows: readonly Row[]): LatencySweep => ({
  variants: variants.map((name, i) => ({
    name,
    latency: rows.map(({ shape, threads, p50 }) => {
      const ms = p50[i]!
      const speedup = p50[0]! / ms
      return {
        shape,
        threads,
        p50: ms,
        p95: ms * 1.1,
        p50Interval: { low: ms * 0.98, high: ms * 1.03 },
        p95Interval: { low: ms, high: Number.POSITIVE_INFINITY },
        ...(i > 0 && {
          vsSource: { speedup, interval: { low: speedup * 0.98, high: speedup * 1.02 } },
        }),
        tokensPerSecond: (Number(shape.split('x')[1]) * 1000) / ms,
        oversubscribed: threads > 2,
      }
    }),
  })),
})

const threads = sweep(names, [
  { shape: '1x128', threads: 1, p50: [8, 7, 4, 3.2] },
  { shape: '1x128', threads: 2, p50: [5, 4.2, 2.5, 2] },
  { shape: '1x128', threads: 4, p50: [9, 8.5, 5, 4.4] },
])

const layers: LayerBytes = {
  variants: names.map((name, i) => {
    const width = i > 1 ? 1 : 4
    return {
      name,
      layers: [
        { name: 'embeddings', bytes: 500_000 * width },
        { name: 'encoder.layer.0', bytes: 250_000 * width },
        { name: 'classifier', bytes: 1200 },
      ],
      graphBytes: 31_000,
    }
  }),
}

/** Rates are given: 0.10 € and 45 W. */
export const sampleDetails: ReportDetails = {
  measuredAt: '2026-11-22T09:30:00.000Z',
  command: 'limbeck report out --price 0.10 --currency € --power 45',
  seconds: 71.3,
  threads,
  lengths: sweep(
    ['fp32 as exported', 'INT8'],
    [
      { shape: '1x8', threads: 1, p50: [1.5, 0.3] },
      { shape: '1x64', threads: 1, p50: [4, 1.6] },
      { shape: '1x512', threads: 1, p50: [40, 16] },
    ],
  ),
  operators: {
    shape: '1x128',
    threads: 1,
    variants: [
      {
        name: 'fp32 as exported',
        runMs: 8.2,
        operators: [
          { name: 'MatMul', nodes: 42, ms: 7 },
          { name: 'Add', nodes: 44, ms: 0.9 },
          { name: 'Shape', nodes: 3, ms: 0.012 },
        ],
      },
      {
        name: 'INT8',
        runMs: 3.4,
        operators: [
          { name: 'DynamicQuantizeMatMul', nodes: 20, ms: 2.4 },
          { name: 'Add', nodes: 14, ms: 0.05 },
          { name: 'Cast', nodes: 1, ms: 0.002 },
        ],
      },
    ],
  },
  layers,
  running: runningCost(
    threads.variants.map(({ name, latency }) => ({ name, latency: latency[0]! })),
    { pricePerHour: 0.1, currency: '€', watts: 45 },
  ),
}

/** Every section is there. */
export const fullReport: Report = { ...sampleReport, details: sampleDetails }
