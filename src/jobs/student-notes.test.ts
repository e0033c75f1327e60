/** What is told of a student: chosen, too bad, or too slow. */
import { expect, it } from 'vitest'
import type { Report, VariantReport } from '../report/report.ts'
import { sampleReport } from '../report/testing/sample-report.ts'
import { studentNotes } from './student-notes.ts'

const int8 = sampleReport.variants.at(-1)!
const latency = (factor: number) => int8.latency.map((row) => ({ ...row, p50: row.p50 * factor }))
const own = (
  name: string,
  factor: number,
  changes: Partial<VariantReport> = {},
): VariantReport => ({
  ...int8,
  ...{ name: `student ${name}`, file: `student/onnx/${name}.onnx`, latency: latency(factor) },
  ...changes,
})
const rejected = {
  verdict: 'rejected',
  ...{ drop: 0.021, upper: 0.03, allowed: 0.0094, n: 1600 },
} as const
const withOwn = (chosen: string, ...students: VariantReport[]): Report => ({
  ...sampleReport,
  ...{ chosen, variants: [...sampleReport.variants, ...students] },
})
const taught = {
  student: 'every-second',
  model: { parameters: 2_210_000, dims: { layers: 1, hidden: 256 } },
  training: { steps: 1050, seconds: 48.2, data: 'data/train.tsv' },
} as Parameters<typeof studentNotes>[1]

it('says who it is and what it learned by', () => {
  const report = withOwn('student INT8', own('INT8', 0.5))
  expect(studentNotes(report, taught)).toEqual([
    'The student (every-second: 1 layer of width 256, 2.21 M parameters; the source 6 of 192, 3.77 M) learned from the source in 1,050 steps (48.2 s) on train.tsv.',
  ])
})

it('says why it is not chosen: it loses too much, or is no faster', () => {
  const first = (report: Report) => studentNotes(report, taught)[0]
  const bad = own('INT8', 0.5, { acceptance: rejected })
  expect(first(withOwn('INT8', own('fp32', 0.9, { acceptance: rejected }), bad))).toBe(
    'The student is not chosen: student INT8 is rejected: a drop of 2.10 pt on 1,600 paired examples, more than is allowed; 0.94 pt is allowed (1%).',
  )
  // the faster one is refused, the other is slower than what was chosen
  expect(first(withOwn('INT8', own('fp32', 2), bad))).toBe(
    'The student is not chosen: student INT8 is rejected: a drop of 2.10 pt on 1,600 paired examples, more than is allowed; 0.94 pt is allowed (1%). Its other files that may be chosen are not the fastest.',
  )
  expect(first(withOwn('INT8', own('fp32', 3), own('INT8', 2)))).toBe(
    'The student is not chosen: its files that may be chosen are not the fastest.',
  )
})
