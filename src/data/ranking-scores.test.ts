import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { evaluateMetrics } from './metrics.ts'
import { rankOf } from './ranking-scores.ts'

interface GoldenQuery {
  readonly relevances: readonly number[]
  readonly scores: readonly number[]
  readonly expected: Readonly<Record<string, number>>
}

// made outside the repository, as its `source` says
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/rankings.json'), 'utf8'),
) as { readonly queries: readonly GoldenQuery[] }

const relevant = ({ relevances }: GoldenQuery) =>
  relevances.flatMap((relevance, i) => (relevance > 0 ? [i] : []))

test('each query scores as in trec_eval, equal scores included', () => {
  const { queries } = golden
  expect(queries.length).toBeGreaterThan(10)
  expect(queries.some(({ scores }) => new Set(scores).size < scores.length)).toBe(true)
  const ranks = queries.map((query) => relevant(query).map((i) => rankOf(i, query.scores)))
  const relevances = queries.map((query) => relevant(query).map((i) => query.relevances[i]!))
  const metrics = evaluateMetrics('retrieval', ranks, relevances)
  expect(metrics.map(({ name }) => name)).toEqual(Object.keys(queries[0]!.expected))
  for (const { name, perExample, value, interval, n } of metrics) {
    const theirs = queries.map(({ expected }) => expected[name]!)
    theirs.forEach((score, i) => {
      expect(perExample![i], `${name} of query ${i}`).toBeCloseTo(score, 12)
    })
    const mean = theirs.reduce((sum, score) => sum + score, 0) / theirs.length
    expect(value).toBeCloseTo(mean, 12)
    expect(n).toBe(queries.length)
    expect(interval.low).toBeLessThan(value)
    expect(interval.high).toBeGreaterThan(value)
  }
})

test('a score that is no number stands last', () => {
  expect(rankOf(0, [Number.NaN, 0.5, -3])).toBe(3)
  expect(rankOf(1, [0.5, 0.5, 0.5])).toBe(2)
})
