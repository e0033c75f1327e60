/**
 * Files that lie: every reader, 2,000 seeded mutations each; `npm run fuzz` reads 10,000 others each and
 * prints a table. Whatever a file says, it is read or refused with a sentence of ours.
 *
 * LIMBECK_FUZZ sets how many, LIMBECK_FUZZ_SEED the first one: a failure's number with LIMBECK_FUZZ=1
 * repeats it alone, and the mutation itself lies in `.fuzz`.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { readOnnxBytes } from '../src/onnx/read-onnx.ts'
import { textTable } from '../src/report/table.ts'
import { type FuzzResult, fuzzReader } from './fuzz/fuzz-reader.ts'
import { readers } from './fuzz/readers.ts'
import { scratchFolder } from './support/tensors.ts'

const long = process.env.MODE === 'fuzz'
const cases = Number(process.env.LIMBECK_FUZZ ?? (long ? 10_000 : 2_000))
const first = Number(process.env.LIMBECK_FUZZ_SEED ?? (long ? 1_000_000 : 0))

describe('a hostile file', () => {
  const results: FuzzResult[] = []

  it.each(readers(scratchFolder()))('of $name is read or refused', async (reader) => {
    const result = await fuzzReader(reader, first, cases)
    results.push(result)
    expect(result.failures).toEqual([])
    // a reader that takes everything, or nothing, has not been tried
    if (cases >= 1000) {
      expect(result.accepted).toBeGreaterThan(cases / 200)
      expect(result.refused).toBeGreaterThan(cases / 200)
    }
  }, 600_000)

  it('of ONNX that nests without end is refused', () => {
    // a length-delimited field within the next: graph, node, attribute, graph, node, …
    let nested = new Uint8Array()
    const wrap = (field: number): void => {
      const header = [field * 8 + 2]
      let length = nested.length
      for (; length >= 128; length >>>= 7) header.push((length & 127) | 128)
      nested = Uint8Array.of(...header, length, ...nested)
    }
    for (let level = 0; level < 2000; level++) for (const field of [6, 5, 1]) wrap(field)
    wrap(7)
    expect(() => readOnnxBytes(nested)).toThrow('its graphs are nested too deep')
  })

  afterAll(() => {
    if (long) process.stdout.write(`${summary(results)}\n`)
  })
})

function summary(results: readonly FuzzResult[]): string {
  const titles = ['reader', 'cases', 'accepted', 'refused', 'slowest ms', 'peak MB'] as const
  const columns = titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' }) as const)
  const rows = results.map((r) =>
    [r.reader, r.cases, r.accepted, r.refused, r.slowestMs, r.peakMb].map(String),
  )
  return textTable({ columns, rows }).text
}
