/** Scores against SQuAD's own scripts, v1.1 and v2, run on stored answers (test/golden). */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { evaluateMetrics } from './metrics.ts'
import { answerWords, exactScore, wordF1 } from './squad-scores.ts'

interface Golden {
  /** Exact match and F1 in percent. */
  readonly totals: Readonly<Record<'v1' | 'v2', readonly [number, number]>>
  readonly rows: readonly {
    readonly answer: string
    readonly accepted: readonly string[]
    /** The v1.1 script has no score for a question without answers. */
    readonly v1: readonly [number, number] | null
    readonly v2: readonly [number, number]
  }[]
}

const golden = JSON.parse(
  readFileSync(new URL('../../test/golden/squad-scores.json', import.meta.url), 'utf8'),
) as Golden

it('scores every stored answer as the scripts do', () => {
  for (const { answer, accepted: texts, v1, v2 } of golden.rows) {
    for (const [version, scores] of [['v1.1', v1] as const, ['v2', v2] as const]) {
      if (scores === null) continue
      const accepted = { texts, version }
      const said = `${version}: '${answer}' for ${JSON.stringify(texts)}`
      expect(exactScore(answer, accepted), said).toBe(scores[0])
      expect(wordF1(answer, accepted), said).toBeCloseTo(scores[1], 12)
    }
  }
  expect(golden.rows).toHaveLength(61)
})

it.each([
  ['v1.1', 'v1'],
  ['v2', 'v2'],
] as const)('gives the totals of the %s script, each with an interval', (version, key) => {
  const rows = golden.rows.filter((row) => row[key] !== null)
  const [f1, exact] = evaluateMetrics(
    'question-answering',
    rows.map(({ answer }) => ({ texts: [answer], version })),
    rows.map(({ accepted }) => ({ texts: accepted, version })),
  )
  expect(exact?.name).toBe('exact-answer')
  expect(exact!.value * 100).toBeCloseTo(golden.totals[key][0], 10)
  expect(f1?.name).toBe('word-f1')
  expect(f1!.value * 100).toBeCloseTo(golden.totals[key][1], 10)
  expect(f1!.interval.low).toBeLessThan(f1!.value)
  expect(f1!.interval.high).toBeGreaterThan(f1!.value)
})

it('takes articles as words of their own, in any script', () => {
  expect(answerWords('The theory of an éa, a-b')).toEqual(['theory', 'of', 'éa', 'ab'])
})
