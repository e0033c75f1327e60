import { describe, expect, test } from 'vitest'
import type { Answer } from '../fit/answer.ts'
import { variantsText } from './variant-answers.ts'

const view = { width: 100, color: false }
const run = (variant: string, answer: Answer, ms = 1.5) => ({
  variant,
  task: 'text-classification' as const,
  answer,
  ms,
  tokens: 7,
  truncated: false,
  file: `${variant}.onnx`,
})
const labels = (label: string, score = 0.75): Answer => ({
  kind: 'labels',
  labels: [
    { label, score },
    { label: 'other', score: 1 - score },
  ],
})

describe('variantsText', () => {
  test('a row for each variant: answer, probability, latency; and that all agree', () => {
    const text = variantsText(
      [run('fp32', labels('positive')), run('INT8', labels('positive', 0.7), 0.5)],
      view,
    )
    expect(text).toMatchInlineSnapshot(`
      "variant  answer    probability   latency
      ───────  ────────  ───────────  ────────
      fp32     positive       75.0 %   1.50 ms
      INT8     positive       70.0 %  0.500 ms
      Every variant gives the same answer.
      7 tokens; medians of single runs."
    `)
  })

  test('how many differ from the first', () => {
    const runs = [labels('yes'), labels('no'), labels('yes')].map((answer, i) =>
      run(`v${i}`, answer),
    )
    expect(variantsText(runs, view)).toContain('1 of 3 variants answer otherwise than v0.')
  })

  test('answers of every kind in a few words', () => {
    const span = { kind: 'span', text: '', score: 0.9, start: 0, end: 0 } as const
    const entity = { text: 'Ada', label: 'person', score: 1 }
    const cases: readonly (readonly [Answer, RegExp])[] = [
      [span, /\(no answer\) +90/],
      [{ ...span, text: 'Ada' }, /Ada +90/],
      [{ kind: 'entities', entities: [] }, /no entities/],
      [
        { kind: 'entities', entities: [entity, { ...entity, text: 'Bo' }] },
        /Ada \(person\), Bo \(person\)/,
      ],
      [{ kind: 'value', value: 4.25 }, /4\.25000/],
      [{ kind: 'vector', vector: [0.1, -0.25, 0, 9] }, /\[0\.1000, -0\.2500, 0\.0000, …\]/],
    ]
    for (const [answer, expected] of cases) {
      expect(variantsText([run('fp32', answer)], view)).toMatch(expected)
    }
  })

  test('a cut text is told', () => {
    const cut = { ...run('fp32', labels('yes')), truncated: true }
    expect(variantsText([cut], view)).toContain('7 tokens, cut to the length of the model;')
  })
})
