/** The choice among variants: verdicts here, and on a CPU that was simulated. */
import { expect, it } from 'vitest'
import { reportMarkdown } from '../report/index.ts'
import type { SimulatedReport, VariantReport } from '../report/report.ts'
import { sampleReport } from '../report/testing/sample-report.ts'
import { chooseVariant, refusal } from './choose-variant.ts'

const { variants, headline } = sampleReport
const int8 = variants.at(-1)!
const simulated: SimulatedReport = {
  ...{ cpu: 'avx2', saturates: true, products: 37, possible: 37, skipped: [] },
  saturated: [{ at: 'encoder.layer.0.output.dense', share: 0.0004 }],
  quality: { ...int8.quality!, value: int8.quality!.value - 0.05 },
  acceptance: { verdict: 'rejected', drop: 0.05, upper: 0.06, allowed: 0.0094, n: 1600 },
}
const withOf = (changes: Partial<VariantReport>) =>
  variants.map((one) => (one === int8 ? { ...one, ...changes } : one))

it('takes the fastest that is not rejected', () => {
  expect(chooseVariant(variants, headline, false).name).toBe('INT8')
})

it('never takes one whose outputs have collapsed, whatever its metric says', () => {
  const verification = { ok: false, maxAbsError: 9, note: 'its outputs have collapsed' }
  const collapsed = withOf({ verification })
  expect(chooseVariant(collapsed, headline, false).name).not.toBe('INT8')
  expect(refusal(collapsed.at(-1)!, false)).toBe('its outputs have collapsed')
})

it('leaves out what loses too much where products saturate, and says so', () => {
  const there = withOf({ simulated })
  expect(chooseVariant(there, headline, false).name).toBe('INT8 portable')
  expect(refusal(there.at(-1)!, false)).toBe('its drop is more than allowed on avx2')
  const text = reportMarkdown({ ...sampleReport, variants: there })
  expect(text).toMatch(/INT8\. On avx2: accuracy 89\.\d %, a drop of 5\.00 pt/)
  expect(text).toMatch(/1 of 37 products saturate \(encoder.*at worst 0\.040 % of the sums/)
  // figures that are the same stand for themselves
  const exact: SimulatedReport = {
    ...simulated,
    saturates: false,
    saturated: [],
    quality: undefined,
  }
  const same = { ...exact, acceptance: undefined }
  expect(refusal({ ...int8, simulated: same }, false)).toBeUndefined()
})
