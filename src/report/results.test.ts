/** The table of results: what stands in it, that it fits a terminal, and that nothing unknown is a number. */
import { describe, expect, it } from 'vitest'
import { detailSections } from './detail-sections.ts'
import type { LatencyReport } from './latency-report.ts'
import { reportMarkdown } from './markdown.ts'
import type { Report } from './report.ts'
import { type ResultRow, resultsCaptions, resultsTable } from './results.ts'
import { richCell, textTable } from './table.ts'
import { sampleReport } from './testing/sample-report.ts'

const latency = (p50: number): LatencyReport[] =>
  [1, 2, 4].map((threads) => ({
    ...{ shape: sampleReport.headline.shape, threads, p50: p50 / threads, p95: p50 },
    p50Interval: { low: p50, high: p50 },
    p95Interval: { low: p50, high: p50 },
    ...(p50 < 50 && { vsSource: { speedup: 60 / p50, interval: { low: 5.01, high: 10.02 } } }),
    ...{ tokensPerSecond: 1, oversubscribed: threads > 2 },
  }))

const teacher: ResultRow = {
  ...{ name: 'teacher', parameters: 109e6, parametersWithoutEmbeddings: 85.6e6, bytes: 438e6 },
  ...{ flops: 22.5e9, latency: latency(60), quality: sampleReport.variants[0]!.quality },
}
const student: ResultRow = {
  ...{ name: 'INT8', parameters: 14.5e6, parametersWithoutEmbeddings: 4.8e6, bytes: 14.6e6 },
  ...{ flops: 1.2e9, training: { flops: 5.25e15, seconds: 18_900 }, latency: latency(8) },
  quality: sampleReport.variants.at(-1)!.quality,
}
const report: Report = {
  ...sampleReport,
  headline: { ...sampleReport.headline, threads: 1 },
  results: {
    ...{ role: 'teacher', from: 'bert-base', shape: sampleReport.headline.shape },
    ...{ rows: [teacher, student], unjudged: [] },
  },
}
const cells = (of: Report) => {
  const { columns, rows } = resultsTable(of)!
  const texts = rows.map((row) => row.map((cell) => richCell(cell).text))
  return { titles: columns.map(({ title }) => title), texts }
}

describe('the table of results', () => {
  it('says what papers say', () => {
    const { titles, texts } = cells(report)
    expect(titles).toEqual([
      ...['', 'model', 'params', 'size', 'FLOPs', 'training'],
      ...['1 thread', '2 threads', '4 threads !', 'speed-up', 'accuracy'],
    ])
    const [first, second] = texts.map((row) => row.slice(1, -1))
    expect(first).toEqual([
      ...['teacher', '109 M', '438 MB', '22.5 G', '–', '60.0 ms', '30.0 ms', '15.0 ms', '1×'],
    ])
    expect(second).toEqual([
      ...['INT8', '14.5 M', '14.6 MB', '1.20 G', '5.25 PFLOP', '8.00 ms', '4.00 ms', '2.00 ms'],
      '7.50×',
    ])
    expect(textTable(resultsTable(report)!).text).toContain('5.25 PFLOP (5.25 h)')
  })

  it('fits 120 columns whole, and 100 without what is said elsewhere', () => {
    const table = resultsTable(report)!
    expect(textTable(table, { width: 120 }).dropped).toEqual([])
    const narrow = textTable(table, { width: 100 })
    expect(narrow.dropped).toEqual(['training', 'FLOPs'])
    for (const line of narrow.text.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  it('has a dash and the reason where nothing was measured', () => {
    const { quality: _, ...unjudged } = { ...teacher, latency: [] }
    const bare: Report = {
      ...report,
      results: {
        ...report.results!,
        rows: [unjudged],
        unjudged: ['nothing is judged, since there is no --dev data'],
      },
    }
    const { titles, texts } = cells(bare)
    expect(titles).toEqual(['', 'model', 'params', 'size', 'FLOPs', 'speed-up', 'accuracy'])
    expect(texts[0]!.slice(-2)).toEqual(['–', '–'])
    expect(resultsCaptions(bare).slice(1)).toEqual([
      'Latency was not measured, as --seconds 0 says.',
      '–: nothing is judged, since there is no --dev data.',
    ])
  })

  it('stands in the page and in Markdown, and nowhere for a model that was not made here', () => {
    expect(detailSections(report)[0]!.title).toBe('Teacher and student')
    expect(reportMarkdown(report)).toContain('## Teacher and student')
    expect(resultsTable(sampleReport)).toBeUndefined()
    expect(detailSections(sampleReport)).toEqual([])
  })
})
