import { expect, test } from 'vitest'
import { detailSections } from './detail-sections.ts'
import { reportHtml } from './html.ts'
import { reportMarkdown } from './markdown.ts'
import type { Report } from './report.ts'
import { runningCost } from './running-cost.ts'
import { textTable } from './table.ts'
import { fullReport, sampleDetails } from './testing/sample-details.ts'
import { sampleReport } from './testing/sample-report.ts'

const section = (report: Report, title: string) => {
  const found = detailSections(report).find((one) => one.title.startsWith(title))!
  return `${textTable(found.table).text}\n${found.captions.join('\n')}`
}

test('a quick report has none of the sections', () => {
  expect(detailSections(sampleReport)).toEqual([])
  expect(detailSections(fullReport).map(({ title }) => title)).toEqual([
    'Threads',
    'Length of the text',
    'Time by operator, before and after',
    'Bytes by layer',
    'A million requests',
  ])
})

test('threads: more than the cores are marked', () => {
  expect(`\n${section(fullReport, 'Threads')}`).toMatchInlineSnapshot(`
    "
    variant                                1 thread                      2 threads                    4 threads !
    ────────────────  ─────────────────────────────  ─────────────────────────────  ─────────────────────────────
    fp32 as exported         8.00 ms (7.84 to 8.24)         5.00 ms (4.90 to 5.15)         9.00 ms (8.82 to 9.27)
    fp32 optimized    7.00 ms (6.86 to 7.21; 1.14×)  4.20 ms (4.12 to 4.33; 1.19×)  8.50 ms (8.33 to 8.76; 1.06×)
    INT8 portable     4.00 ms (3.92 to 4.12; 2.00×)  2.50 ms (2.45 to 2.58; 2.00×)  5.00 ms (4.90 to 5.15; 1.80×)
    INT8              3.20 ms (3.14 to 3.30; 2.50×)  2.00 ms (1.96 to 2.06; 2.50×)  4.40 ms (4.31 to 4.53; 2.05×)
    Median latency at 1x128 by the threads of a run; 95 % intervals, and the speed-up over fp32 as exported, turns interleaved.
    More than the 2 cores allotted (dashed): threads wait for each other there; not figures to quote."
  `)
})

test('lengths', () => {
  expect(`\n${section(fullReport, 'Length')}`).toMatchInlineSnapshot(`
    "
    tokens        fp32 as exported                       INT8              speed-up  tokens/s
    ──────  ──────────────────────  ─────────────────────────  ────────────────────  ────────
    8       1.50 ms (1.47 to 1.54)  0.300 ms (0.294 to 0.309)  5.00× (4.90 to 5.10)    26,667
    64      4.00 ms (3.92 to 4.12)     1.60 ms (1.57 to 1.65)  2.50× (2.45 to 2.55)    40,000
    512     40.0 ms (39.2 to 41.2)     16.0 ms (15.7 to 16.5)  2.50× (2.45 to 2.55)    32,000
    Median latency of one text with 1 thread; 95 % intervals, and the speed-up over fp32 as exported, turns interleaved. Both axes grow by powers: equal distances are equal ratios."
  `)
})

test('operators: what takes next to nothing is one row, and a whole is the nodes together', () => {
  expect(`\n${section(fullReport, 'Time')}`).toMatchInlineSnapshot(`
    "
    operator                          fp32 as exported                        INT8
    ─────────────────────  ───────────────────────────  ──────────────────────────
    MatMul                  7.00 ms (88.5 %, 42 nodes)                           –
    DynamicQuantizeMatMul                            –  2.40 ms (97.9 %, 20 nodes)
    Add                    0.900 ms (11.4 %, 44 nodes)  0.050 ms (2.0 %, 14 nodes)
    2 others                 0.012 ms (0.2 %, 3 nodes)    0.002 ms (0.1 %, 1 node)
    What ran, by ONNX Runtime's profiler, at 1x128 with 1 thread; medians, all nodes of an operator together: 7.91 ms in fp32 as exported, 2.45 ms in INT8. The profiler itself takes some time of each node."
  `)
})

test('bytes by layer add up to the file', () => {
  expect(`\n${section(fullReport, 'Bytes')}`).toMatchInlineSnapshot(`
    "
    layer            fp32 as exported  fp32 optimized  INT8 portable     INT8
    ───────────────  ────────────────  ──────────────  ─────────────  ───────
    embeddings                2.00 MB         2.00 MB         500 KB   500 KB
    encoder.layer.0           1.00 MB         1.00 MB         250 KB   250 KB
    classifier                1.20 KB         1.20 KB        1.20 KB  1.20 KB
    graph                     31.0 KB         31.0 KB        31.0 KB  31.0 KB
    all                       3.03 MB         3.03 MB         782 KB   782 KB
    Weights as they are stored in each file, by the layer that reads them first; graph is what the file holds beside them."
  `)
})

test('costs say what they assume', () => {
  expect(`\n${section(fullReport, 'A million')}`).toMatchInlineSnapshot(`
    "
    variant                 requests/s                     hours                         energy                     cost, €
    ────────────────  ────────────────  ────────────────────────  ─────────────────────────────  ──────────────────────────
    fp32 as exported  125 (121 to 128)     2.22 h (2.18 to 2.29)    0.100 kWh (0.0980 to 0.103)     €0.222 (0.218 to 0.229)
    fp32 optimized    143 (139 to 146)     1.94 h (1.91 to 2.00)  0.0875 kWh (0.0857 to 0.0901)     €0.194 (0.191 to 0.200)
    INT8 portable     250 (243 to 255)     1.11 h (1.09 to 1.14)  0.0500 kWh (0.0490 to 0.0515)     €0.111 (0.109 to 0.114)
    INT8              313 (303 to 319)  0.889 h (0.871 to 0.916)  0.0400 kWh (0.0392 to 0.0412)  €0.0889 (0.0871 to 0.0916)
    One process with 1 thread answers one run after the other without a pause (a closed loop), each in its median latency; a request is one text of 128 tokens; an hour of the machine costs €0.10, it takes 45 W all the time. Tokenization, network and idle hours are not in it; intervals are those of the latency."
  `)
})

test('without price and power no figure of them stands there, and how to give them does', () => {
  const rows = sampleDetails.threads!.variants.map(({ name, latency }) => ({
    name,
    latency: latency[0]!,
  }))
  const details = { ...sampleDetails, running: runningCost(rows, {}) }
  const text = section({ ...sampleReport, details }, 'A million')
  expect(text).not.toMatch(/€|kWh|\bW\b/)
  expect(text).toContain('its cost with --price (of the machine for an hour) and --currency')
  expect(text).toContain('its energy with --power (watts)')
})

test('without the source its bars and columns are left out, and nothing is compared', () => {
  const only = <T extends { readonly name: string }>({ variants }: { variants: readonly T[] }) => ({
    variants: variants.filter(({ name }) => name === 'INT8'),
  })
  const details = {
    ...sampleDetails,
    lengths: only(sampleDetails.lengths!),
    operators: { ...sampleDetails.operators!, ...only(sampleDetails.operators!) },
    layers: only(sampleDetails.layers!),
  }
  const report = { ...fullReport, details }
  expect(section(report, 'Time')).not.toContain('fp32 as exported')
  expect(section(report, 'Bytes')).not.toContain('fp32 as exported')
  expect(section(report, 'Length').split('\n')[0]).not.toContain('speed-up')
})

test('where the source was chosen and is gone, the table of bytes stays', async () => {
  const layers = { variants: sampleDetails.layers!.variants.slice(1) }
  const { lengths: _, operators: __, ...others } = sampleDetails
  const report = { ...fullReport, chosen: 'fp32 as exported', details: { ...others, layers } }
  expect(section(report, 'Bytes')).toContain('encoder.layer.0')
  expect(await reportHtml(report)).not.toMatch(/NaN|Infinity|undefined/)
})

test('the page and the Markdown hold the same figures', async () => {
  const page = (await reportHtml(fullReport)).replaceAll('\u00a0', ' ')
  const markdown = reportMarkdown(fullReport)
  for (const { title, table, captions } of detailSections(fullReport)) {
    expect(markdown).toContain(`## ${title}\n`)
    for (const text of [title, ...captions]) expect(page).toContain(text.replaceAll("'", '&#39;'))
    for (const cell of table.rows.flat()) {
      const { text, detail } = typeof cell === 'string' ? { text: cell } : { ...cell }
      for (const part of [text, detail]) {
        if (part === undefined) continue
        expect(page).toContain(part)
        expect(markdown).toContain(part.replaceAll('_', '\\_'))
      }
    }
  }
})

test('JSON gives every figure back', () => {
  const again = JSON.parse(JSON.stringify(fullReport)) as Report
  // an end without a bound is null there
  expect(detailSections(again).map(({ table }) => table)).toEqual(
    detailSections(fullReport).map(({ table }) => table),
  )
})
