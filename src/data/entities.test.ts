import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { entitiesOf } from './entities.ts'
import { evaluateMetrics } from './metrics.ts'

interface GoldenCase {
  readonly name: string
  readonly expected: readonly string[]
  readonly answers: readonly string[]
  readonly precision: number
  readonly recall: number
  readonly f1: number
  readonly accuracy: number
  readonly entities: number
}

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/seqeval.json'), 'utf8'),
) as { readonly cases: readonly GoldenCase[] }

const split = (lines: readonly string[]): string[][] => lines.map((line) => line.split(' '))

test.each(golden.cases)('the figures of seqeval: $name', (stored) => {
  const expected = split(stored.expected)
  const metrics = evaluateMetrics('token-classification', split(stored.answers), expected)
  const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
  expect(Math.abs(values['entity-f1']! - stored.f1)).toBeLessThanOrEqual(1e-12)
  expect(Math.abs(values['entity-precision']! - stored.precision)).toBeLessThanOrEqual(1e-12)
  expect(Math.abs(values['entity-recall']! - stored.recall)).toBeLessThanOrEqual(1e-12)
  expect(Math.abs(values['token-accuracy']! - stored.accuracy)).toBeLessThanOrEqual(1e-12)
  expect(expected.flatMap(entitiesOf)).toHaveLength(stored.entities)
})

describe('entities', () => {
  test('begin at B, after O, and where the type changes', () => {
    expect(entitiesOf(['B-person', 'I-person', 'O', 'I-location', 'I-person'])).toEqual([
      { type: 'person', start: 0, end: 2 },
      { type: 'location', start: 3, end: 4 },
      { type: 'person', start: 4, end: 5 },
    ])
    expect(entitiesOf(['B-creative-work', 'B-creative-work', 'I-creative-work'])).toEqual([
      { type: 'creative-work', start: 0, end: 1 },
      { type: 'creative-work', start: 1, end: 3 },
    ])
    expect(entitiesOf([])).toEqual([])
  })
})

test('the interval is of sentences, and holds the value', () => {
  const expected = Array.from({ length: 60 }, () => ['B-x', 'I-x', 'O'])
  const answers = expected.map((tags, i) => (i % 3 === 0 ? ['O', 'O', 'O'] : tags))
  const [f1] = evaluateMetrics('token-classification', answers, expected)
  expect(f1!.value).toBeCloseTo(0.8, 12)
  expect(f1!.n).toBe(60)
  expect(f1!.interval.low).toBeGreaterThan(0.6)
  expect(f1!.interval.low).toBeLessThan(0.8)
  expect(f1!.interval.high).toBeGreaterThan(0.8)
  expect(f1!.interval.high).toBeLessThan(0.95)
})
