import { describe, expect, test } from 'vitest'
import { acceptDrop, acceptStatistic, allowedDrop, parseMaxDrop } from './acceptance.ts'
import { pearsonStatistic, spearmanStatistic } from './correlation.ts'
import { tangoInterval } from './paired-difference.ts'
import { randomFrom } from './random.ts'

/** Scores of n examples: both right, only before right, only after right, the rest both wrong. */
const scores = (n: number, both: number, onlyBefore: number, onlyAfter: number) => ({
  before: Array.from({ length: n }, (_, i) => (i < both + onlyBefore ? 1 : 0)),
  after: Array.from({ length: n }, (_, i) =>
    i < both || (i >= both + onlyBefore && i < both + onlyBefore + onlyAfter) ? 1 : 0,
  ),
})
const onePercent = parseMaxDrop('1%')

describe('parseMaxDrop', () => {
  test('a percentage is relative, points are absolute', () => {
    expect(parseMaxDrop('1%')).toEqual({ kind: 'relative', value: 0.01 })
    expect(parseMaxDrop(' .5 pt')).toEqual({ kind: 'absolute', value: 0.005 })
    expect(parseMaxDrop('0%')).toEqual({ kind: 'relative', value: 0 })
    expect(allowedDrop(parseMaxDrop('1%'), 0.9)).toBeCloseTo(0.009, 14)
    expect(allowedDrop(parseMaxDrop('1pt'), 0.9)).toBeCloseTo(0.01, 14)
  })

  test.each(['1', '-1%', '1.5.2%', '', 'one%', '1e1%'])('refuses %j', (text) => {
    expect(() => parseMaxDrop(text)).toThrow(/expected '1%' or '0\.5pt'/)
  })
})

describe('acceptDrop', () => {
  test('equal answers on 872 examples prove 1 % of 90.25 %', () => {
    const acceptance = acceptDrop({ ...scores(872, 787, 0, 0), allowed: onePercent })
    expect(acceptance).toMatchObject({ verdict: 'proven', drop: 0, n: 872 })
    expect(acceptance.upper).toBeCloseTo(0.004386, 6)
    expect(acceptance.allowed).toBeCloseTo((0.01 * 787) / 872, 12)
    expect(acceptance).not.toHaveProperty('needed')
  })

  test('equal answers on 100 examples prove nothing; the number that would is told', () => {
    const acceptance = acceptDrop({ ...scores(100, 90, 0, 0), allowed: onePercent })
    expect(acceptance.verdict).toBe('undecided')
    // z²/(m + z²) <= 0.009
    expect(acceptance.needed).toBe(423)
    expect(tangoInterval(0, 0, 423).high).toBeLessThanOrEqual(0.009)
    expect(tangoInterval(0, 0, 422).high).toBeGreaterThan(0.009)
  })

  test('a drop within the allowed one whose bound is not stays undecided', () => {
    const acceptance = acceptDrop({ ...scores(872, 774, 13, 10), allowed: onePercent })
    expect(acceptance).toMatchObject({ verdict: 'undecided', drop: 3 / 872 })
    const needed = acceptance.needed ?? 0
    const at = (m: number) => tangoInterval((13 * m) / 872, (10 * m) / 872, m).high
    expect(at(needed)).toBeLessThanOrEqual(acceptance.allowed)
    expect(at(needed - 1)).toBeGreaterThan(acceptance.allowed)
  })

  test('an observed drop above the allowed one is rejected', () => {
    const acceptance = acceptDrop({ ...scores(872, 770, 17, 4), allowed: onePercent })
    expect(acceptance).toMatchObject({ verdict: 'rejected', drop: 13 / 872 })
    expect(acceptance).not.toHaveProperty('needed')
  })

  test('a drop of exactly the allowed is not rejected, and no number would prove it', () => {
    const question = { ...scores(100, 89, 1, 0), allowed: parseMaxDrop('1pt') }
    const acceptance = acceptDrop(question)
    expect(acceptance.verdict).toBe('undecided')
    expect(acceptance).not.toHaveProperty('needed')
  })

  test('a gain can be proven, with a negative drop', () => {
    const acceptance = acceptDrop({ ...scores(872, 750, 2, 60), allowed: onePercent })
    expect(acceptance.verdict).toBe('proven')
    expect(acceptance.drop).toBeLessThan(0)
    expect(acceptance.upper).toBeLessThan(0)
  })

  test('for an error lower is better, and a relative drop is of the baseline given', () => {
    const before = Array.from({ length: 500 }, (_, i) => 1 + (i % 7) / 7)
    const worse = before.map((error) => error * 1.02)
    const question = { before, after: worse, better: 'lower' } as const
    expect(acceptDrop({ ...question, allowed: onePercent }).verdict).toBe('rejected')
    expect(acceptDrop({ ...question, allowed: parseMaxDrop('3%') }).verdict).toBe('proven')
    const other = acceptDrop({ ...question, allowed: parseMaxDrop('3%'), baseline: 0.5 })
    expect(other.allowed).toBeCloseTo(0.015, 12)
  })

  test('wrongly proves a true drop just above the allowed about 2.5 times in 100', () => {
    const random = randomFrom(5)
    let proven = 0
    for (let trial = 0; trial < 1000; trial++) {
      const before: number[] = []
      const after: number[] = []
      for (let i = 0; i < 1000; i++) {
        const u = random.uniform()
        // 3 % lost, 1 % gained: the true drop is 2 points
        before.push(u < 0.9 ? 1 : 0)
        after.push(u < 0.87 || (u >= 0.9 && u < 0.91) ? 1 : 0)
      }
      if (acceptDrop({ before, after, allowed: parseMaxDrop('2pt') }).verdict === 'proven') proven++
    }
    expect(proven).toBeGreaterThan(5)
    expect(proven).toBeLessThan(45)
  })

  test('series that do not pair are refused', () => {
    expect(() => acceptDrop({ before: [1], after: [1, 0], allowed: onePercent })).toThrow(/1 and 2/)
    expect(() => acceptDrop({ before: [], after: [], allowed: onePercent })).toThrow(/got none/)
  })
})

describe('acceptStatistic', () => {
  const random = randomFrom(9)
  const gold = Array.from({ length: 800 }, () => random.uniform())
  const noisy = (noise: number, base: readonly number[] = gold) =>
    base.map((value) => value + noise * (random.uniform() - 0.5))
  const teacher = noisy(0.8)
  const question = { n: 800, before: spearmanStatistic(teacher, gold), allowed: onePercent }

  test('a variant near its source is proven, a far one rejected', () => {
    const near = acceptStatistic({
      ...question,
      after: spearmanStatistic(noisy(0.02, teacher), gold),
    })
    expect(near.verdict).toBe('proven')
    expect(near.upper).toBeGreaterThan(near.drop)
    const far = acceptStatistic({
      ...question,
      after: spearmanStatistic(noisy(1.2, teacher), gold),
    })
    expect(far.verdict).toBe('rejected')
  })

  test('too few examples are undecided; about as many as are told would decide', () => {
    const few = 60
    const part = (values: readonly number[]) => values.slice(0, few)
    const statistic = (values: readonly number[]) => pearsonStatistic(part(values), part(gold))
    const after = noisy(0.15, teacher)
    const acceptance = acceptStatistic({
      n: few,
      before: statistic(teacher),
      after: statistic(after),
      allowed: parseMaxDrop('2%'),
    })
    expect(acceptance.verdict).toBe('undecided')
    expect(acceptance.needed).toBeGreaterThan(few)
  })

  test('equal answers are proven by many examples only', () => {
    const same = acceptStatistic({ ...question, after: question.before })
    expect(same).toMatchObject({ verdict: 'proven', drop: 0 })
    expect(same.upper).toBeGreaterThan(0)
    const fewGold = gold.slice(0, 50)
    const few = spearmanStatistic(teacher.slice(0, 50), fewGold)
    const small = acceptStatistic({ n: 50, before: few, after: few, allowed: onePercent })
    expect(small.verdict).toBe('undecided')
    // z²/(m + z²) <= 1 %
    expect(small.needed).toBe(381)
  })

  test('a metric that is undefined on the examples is an error', () => {
    const constant = spearmanStatistic(
      gold.map(() => 1),
      gold,
    )
    expect(() => acceptStatistic({ ...question, after: constant })).toThrow(/undefined/)
  })
})
