import { expect, it } from 'vitest'
import { bestSpan } from './best-span.ts'

const window = { from: 2, count: 4, skipped: 0 }
/** Zeros, but for the given places. */
const row = (values: Readonly<Record<number, number>>): Float32Array =>
  Float32Array.from({ length: 7 }, (_, i) => values[i] ?? 0)

it('takes the highest sum of start and end', () => {
  const scores = { starts: row({ 3: 5, 4: 4 }), ends: row({ 4: 1, 5: 3 }) }
  const { span } = bestSpan([window], [scores])
  expect(span).toMatchObject({ first: 1, last: 3, score: 8 })
  const p = (x: number, others: number) => Math.exp(x) / others
  const expected = p(5, Math.exp(5) + Math.exp(4) + 5) * p(3, Math.exp(3) + Math.exp(1) + 5)
  expect(span!.probability).toBeCloseTo(expected, 12)
})

it('never ends before it starts, and never leaves the context', () => {
  // the question, the special tokens after it, and an end before the best start
  const scores = { starts: row({ 1: 90, 5: 9, 6: 90 }), ends: row({ 1: 90, 2: 8, 5: 1, 6: 90 }) }
  const { span } = bestSpan([window], [scores])
  expect(span).toMatchObject({ first: 3, last: 3, score: 10 })
})

it('is no longer than the limit', () => {
  const scores = { starts: row({ 2: 5 }), ends: row({ 5: 5, 3: 1 }) }
  expect(bestSpan([window], [scores]).span).toMatchObject({ first: 0, last: 3 })
  expect(bestSpan([window], [scores], { maxTokens: 3 }).span).toMatchObject({ first: 0, last: 1 })
})

it('takes the best of all windows, counted in the whole context', () => {
  const first = { starts: row({ 0: 3, 2: 1 }), ends: row({ 0: 3, 3: 1 }) }
  const second = { starts: row({ 0: 1, 3: 2 }), ends: row({ 0: 1, 3: 2 }) }
  const places = [window, { ...window, skipped: 2 }]
  const choice = bestSpan(places, [first, second])
  expect(choice.span).toMatchObject({ first: 3, last: 3, score: 4 })
  // unanswered only where every window says so
  expect(choice.nullScore).toBe(2)
})

it('has no span without a context', () => {
  const choice = bestSpan([{ from: 2, count: 0, skipped: 0 }], [{ starts: row({}), ends: row({}) }])
  expect(choice.span).toBeUndefined()
  expect(choice.nullProbability).toBeCloseTo(1 / 49, 12)
})
