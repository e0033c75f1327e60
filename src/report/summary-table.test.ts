import { expect, test } from 'vitest'
import { chartData } from './chart-points.ts'
import { summaryTable } from './summary-table.ts'
import { textTable } from './table.ts'
import { sampleReport, unlabelledReport } from './testing/sample-report.ts'

const print = (report = sampleReport, width?: number): string => {
  const { text, dropped } = textTable(summaryTable(report), { width })
  return `\n${text}\n${dropped.length > 0 ? `left out: ${dropped.join(', ')}\n` : ''}`
}

test('one row a variant', () => {
  expect(print()).toMatchInlineSnapshot(`
    "
       variant           file                              size      p50      p95              speed-up  peak memory               accuracy                 drop
    ─  ────────────────  ─────────────────────────────  ───────  ───────  ───────  ────────────────────  ───────────  ─────────────────────  ───────────────────
       fp32 as exported  –                              15.2 MB  8.42 ms  9.09 ms                    1×       141 MB  94.4 % (93.0 to 95.5)                    –
       fp32 optimized    onnx/model_cpu.onnx            15.1 MB  6.93 ms  7.48 ms  1.22× (1.19 to 1.24)       139 MB  94.4 % (93.0 to 95.5)     0.00 pt (proven)
       INT8 portable     onnx/model_quantized.onnx      3.92 MB  4.13 ms  4.46 ms  2.04× (2.00 to 2.08)       117 MB  93.7 % (92.3 to 94.9)  0.68 pt (undecided)
    ✔  INT8              onnx/model_cpu_quantized.onnx  3.90 MB  3.38 ms  3.65 ms  2.49× (2.44 to 2.54)       113 MB  94.3 % (92.8 to 95.4)     0.12 pt (proven)
    "
  `)
})

test('details go below where the terminal is narrower, then columns go', () => {
  expect(print(sampleReport, 120)).toMatchInlineSnapshot(`
    "
       variant              size      p50      p95      speed-up  peak memory      accuracy       drop
    ─  ────────────────  ───────  ───────  ───────  ────────────  ───────────  ────────────  ─────────
       fp32 as exported  15.2 MB  8.42 ms  9.09 ms            1×       141 MB        94.4 %          –
                                                                               93.0 to 95.5
       fp32 optimized    15.1 MB  6.93 ms  7.48 ms         1.22×       139 MB        94.4 %    0.00 pt
                                                    1.19 to 1.24               93.0 to 95.5     proven
       INT8 portable     3.92 MB  4.13 ms  4.46 ms         2.04×       117 MB        93.7 %    0.68 pt
                                                    2.00 to 2.08               92.3 to 94.9  undecided
    ✔  INT8              3.90 MB  3.38 ms  3.65 ms         2.49×       113 MB        94.3 %    0.12 pt
                                                    2.44 to 2.54               92.8 to 95.4     proven
    left out: file
    "
  `)
  expect(print(sampleReport, 80)).toMatchInlineSnapshot(`
    "
       variant              size      p50      speed-up      accuracy       drop
    ─  ────────────────  ───────  ───────  ────────────  ────────────  ─────────
       fp32 as exported  15.2 MB  8.42 ms            1×        94.4 %          –
                                                         93.0 to 95.5
       fp32 optimized    15.1 MB  6.93 ms         1.22×        94.4 %    0.00 pt
                                           1.19 to 1.24  93.0 to 95.5     proven
       INT8 portable     3.92 MB  4.13 ms         2.04×        93.7 %    0.68 pt
                                           2.00 to 2.08  92.3 to 94.9  undecided
    ✔  INT8              3.90 MB  3.38 ms         2.49×        94.3 %    0.12 pt
                                           2.44 to 2.54  92.8 to 95.4     proven
    left out: file, peak memory, p95
    "
  `)
})

test('without labels the agreement with the source stands in for the metric', () => {
  expect(print(unlabelledReport)).toMatchInlineSnapshot(`
    "
       variant           file                              size      p50      p95              speed-up  peak memory  same answer as the source
    ─  ────────────────  ─────────────────────────────  ───────  ───────  ───────  ────────────────────  ───────────  ─────────────────────────
       fp32 as exported  –                              15.2 MB  8.42 ms  9.09 ms                    1×       141 MB                  reference
       fp32 optimized    onnx/model_cpu.onnx            15.1 MB  6.93 ms  7.48 ms  1.22× (1.19 to 1.24)       139 MB    100.0 % (99.6 to 100.0)
       INT8 portable     onnx/model_quantized.onnx      3.92 MB  4.13 ms  4.46 ms  2.04× (2.00 to 2.08)       117 MB      98.6 % (98.2 to 98.6)
    ✔  INT8              onnx/model_cpu_quantized.onnx  3.90 MB  3.38 ms  3.65 ms  2.49× (2.44 to 2.54)       113 MB      99.4 % (99.0 to 99.4)
    "
  `)
})

test('the report of a source alone, with nothing measured', () => {
  const [source] = sampleReport.variants
  const bare = { ...source!, latency: [], quality: undefined, peakMemoryBytes: undefined }
  const report = { ...sampleReport, variants: [bare], chosen: bare.name }
  expect(print(report)).toMatchInlineSnapshot(`
    "
       variant           file     size  p50  p95  speed-up  peak memory
    ─  ────────────────  ────  ───────  ───  ───  ────────  ───────────
    ✔  fp32 as exported  –     15.2 MB    –    –        1×            –
    "
  `)
})

test('a variant whose outputs are not its source’s is rejected whatever its metric says', () => {
  const variants = sampleReport.variants.map((variant) =>
    variant.name === 'INT8 portable'
      ? { ...variant, verification: { ok: false, maxAbsError: 3, note: 'collapsed' } }
      : variant,
  )
  const report = { ...sampleReport, variants }
  const line = print(report)
    .split('\n')
    .find((row) => row.includes('INT8 portable'))
  expect(line).toContain('(rejected)')
  const marks = chartData(report)?.points.map(({ name, mark, role }) => [name, mark, role])
  expect(marks).toContainEqual(['INT8 portable', 'rejected', 'rejected'])
})
