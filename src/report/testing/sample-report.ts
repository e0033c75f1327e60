/** A report of plausible figures, for the tests of this room and for looking at its page. */
import type { Fidelity } from '../../data/fidelity.ts'
import type { LatencyReport } from '../latency-report.ts'
import type { Report, VariantReport } from '../report.ts'

const around = (value: number, share: number) => ({
  low: value * (1 - share),
  high: value * (1 + share),
})

function latency(p50: Readonly<Record<string, number>>, speedup: number): LatencyReport[] {
  return Object.entries(p50).map(([key, ms]) => {
    const [shape = '', threads = ''] = key.split('/')
    const batch = Number(shape.split('x')[0]) * Number(shape.split('x')[1])
    return {
      shape,
      threads: Number(threads),
      p50: ms,
      p95: ms * 1.08,
      p50Interval: around(ms, 0.012),
      p95Interval: around(ms * 1.08, 0.03),
      ...(speedup !== 1 && { vsSource: { speedup, interval: around(speedup, 0.02) } }),
      tokensPerSecond: (batch * 1000) / ms,
      oversubscribed: Number(threads) > 2,
    }
  })
}

const accuracy = (value: number) => ({
  name: 'accuracy' as const,
  value,
  interval: { low: value - 0.0141, high: value + 0.0118 },
  n: 1600,
  better: 'higher' as const,
})

const macroF1 = (value: number) => ({ ...accuracy(value), name: 'macro-f1' as const })

const fidelity = (cosine: number, agreement: number, maxAbsError: number): Fidelity => ({
  n: 1600,
  maxAbsError,
  nonFinite: 0,
  cosine: { mean: cosine, min: 1 - (1 - cosine) * 12 },
  divergence: (1 - cosine) * 2,
  agreement: { value: agreement, interval: { low: agreement - 0.004, high: agreement } },
})

const pass = (name: string, before: number, after: number, hits: Record<string, number>) => ({
  pass: name,
  ms: (before + after) / 400,
  nodesBefore: before,
  nodesAfter: after,
  hits,
  rules: [],
})

const lowered = [
  pass('simplify', 412, 301, { identity: 14, constants: 61, common: 36 }),
  pass('lower-attention', 301, 241, { attention: 6 }),
  pass('lower-linear', 241, 199, { 'linear with bias': 36, pooler: 1 }),
]

const variants: readonly VariantReport[] = [
  {
    name: 'fp32 as exported',
    target: 'exported',
    precision: 'fp32',
    bytes: 15_214_331,
    nodes: 412,
    peakMemoryBytes: 141_300_000,
    latency: latency({ '1x16/1': 1.31, '1x128/1': 8.42, '1x128/4': 6.11 }, 1),
    quality: accuracy(0.9437),
    otherMetrics: [macroF1(0.9418)],
    passes: [],
  },
  {
    name: 'fp32 optimized',
    file: 'onnx/model_cpu.onnx',
    target: 'cpu',
    precision: 'fp32',
    bytes: 15_101_220,
    nodes: 199,
    peakMemoryBytes: 138_800_000,
    latency: latency({ '1x16/1': 1.02, '1x128/1': 6.93, '1x128/4': 5.02 }, 1.215),
    quality: accuracy(0.9437),
    otherMetrics: [macroF1(0.9418)],
    fidelity: fidelity(0.9999999, 1, 2.1e-6),
    verification: { ok: true, tolerance: 1e-4, maxAbsError: 2.1e-6 },
    acceptance: { verdict: 'proven', drop: 0, upper: 0.0024, allowed: 0.009437, n: 1600 },
    passes: lowered,
  },
  {
    name: 'INT8 portable',
    file: 'onnx/model_quantized.onnx',
    target: 'portable',
    precision: 'int8',
    bytes: 3_921_004,
    nodes: 377,
    peakMemoryBytes: 117_100_000,
    latency: latency({ '1x16/1': 0.71, '1x128/1': 4.13, '1x128/4': 3.3 }, 2.04),
    quality: accuracy(0.9369),
    otherMetrics: [macroF1(0.9343)],
    fidelity: fidelity(0.99871, 0.9856, 0.412),
    verification: { ok: true, maxAbsError: 0.412, note: 'mean cosine above 0.9' },
    acceptance: {
      verdict: 'undecided',
      drop: 0.0068,
      upper: 0.0114,
      allowed: 0.009437,
      n: 1600,
      needed: 4871,
    },
    passes: lowered,
  },
  {
    name: 'INT8',
    file: 'onnx/model_cpu_quantized.onnx',
    target: 'cpu',
    precision: 'int8',
    bytes: 3_902_117,
    nodes: 231,
    peakMemoryBytes: 112_700_000,
    latency: latency({ '1x16/1': 0.52, '1x128/1': 3.38, '1x128/4': 2.71 }, 2.491),
    quality: accuracy(0.9425),
    otherMetrics: [macroF1(0.9401)],
    fidelity: fidelity(0.99954, 0.9944, 0.187),
    verification: { ok: true, maxAbsError: 0.187, note: 'mean cosine above 0.9' },
    acceptance: { verdict: 'proven', drop: 0.0012, upper: 0.0049, allowed: 0.009437, n: 1600 },
    passes: [
      ...lowered,
      pass('quantize-dynamic', 199, 231, { 'int8 linear': 37, 'int8 table': 1 }),
    ],
  },
]

/** INT8 is chosen of four variants. */
export const sampleReport: Report = {
  version: 1,
  title: 'support-desk',
  createdAt: '2026-11-21T12:00:00.000Z',
  command:
    'limbeck optimize examples/support-desk --data examples/support-desk/test.tsv --text text --label label',
  model: {
    folder: 'examples/support-desk',
    name: 'support-desk',
    family: 'bert',
    task: 'sequence-classification',
    parameters: 3_771_404,
    layers: 6,
    hidden: 192,
    labels: ['order_status', 'cancel_order', 'refund', 'change_address', 'card_declined'],
  },
  data: {
    file: 'examples/support-desk/test.tsv',
    source: 'labelled',
    rows: 1600,
    metric: 'accuracy',
    truncated: 0,
    maxLength: 64,
  },
  machine: {
    cpu: 'AMD EPYC 9B45',
    cores: 2,
    allottedCores: 2,
    isa: ['avx2', 'avx512_vnni', 'avx512f', 'fma'],
    int8Kernel: 'avx512-vnni',
    node: '20.19.0',
    onnxruntime: '1.30.0',
    limbeck: '0.1.0',
  },
  settings: {
    maxDrop: '1%',
    strict: false,
    threads: [1, 4],
    shapes: ['1x16', '1x128'],
    batchSize: 32,
    seed: 1,
  },
  headline: { shape: '1x128', threads: 1 },
  variants,
  chosen: 'INT8',
  chosenWhy: 'The fastest variant that is not rejected.',
  notes: ['4 threads are more than the 2 cores allotted: those rows are not to be quoted.'],
  files: [
    { role: 'chosen model', path: 'onnx/model_cpu_quantized.onnx', bytes: 3_902_117 },
    { role: 'for Transformers.js (q8)', path: 'onnx/model_quantized.onnx', bytes: 3_921_004 },
    { role: 'this report', path: 'report.html' },
  ],
  stages: [
    { name: 'build', seconds: 1.2 },
    { name: 'verify', seconds: 3.4 },
    { name: 'evaluate', seconds: 21.8 },
    { name: 'bench', seconds: 48.1 },
  ],
}

/** The same without labels: fidelity alone. */
export const unlabelledReport: Report = {
  ...sampleReport,
  data: { source: 'text', file: 'texts.txt', rows: 1600, truncated: 12, maxLength: 64 },
  variants: variants.map(({ quality: _, otherMetrics: __, acceptance: ___, ...rest }) => rest),
}
