import { describe, expect, test } from 'vitest'
import { pairedDifference, tangoInterval } from './paired-difference.ts'
import { randomFrom } from './random.ts'

describe('tangoInterval', () => {
  // the score test inverted numerically, its constrained maximum likelihood found by scipy's optimizer
  test.each([
    [9, 5, 53, -0.06799232, 0.22014719],
    [12, 2, 50, 0.06111241, 0.34470875],
    [3, 1, 872, -0.00332432, 0.00904464],
    [17, 13, 872, -0.00818947, 0.01782514],
    [1, 0, 30, -0.08396384, 0.1667039],
    [14, 0, 54, 0.16118653, 0.38930891],
  ])('%i and %i discordant of %i', (firstOnly, secondOnly, n, low, high) => {
    const interval = tangoInterval(firstOnly, secondOnly, n)
    expect(interval.low).toBeCloseTo(low, 7)
    expect(interval.high).toBeCloseTo(high, 7)
  })

  test('without discordant pairs the ends are ±z²/(n + z²)', () => {
    const { low, high } = tangoInterval(0, 0, 872)
    expect(high).toBeCloseTo(0.004386020759814893, 12)
    expect(low).toBeCloseTo(-0.004386020759814893, 12)
  })

  test('is mirrored when the two are swapped, and stays in [-1, 1]', () => {
    const [a, b] = [tangoInterval(7, 2, 40), tangoInterval(2, 7, 40)]
    expect(a.low).toBeCloseTo(-b.high, 12)
    expect(a.high).toBeCloseTo(-b.low, 12)
    expect(tangoInterval(5, 0, 5).high).toBe(1)
    expect(tangoInterval(0, 5, 5).low).toBe(-1)
  })

  test('its upper end lies below the true difference about 2.5 times in 100', () => {
    const random = randomFrom(11)
    // of 400 examples 3 % are lost, 1 % gained: the true drop is 0.02
    let missed = 0
    for (let trial = 0; trial < 2000; trial++) {
      let [lost, gained] = [0, 0]
      for (let i = 0; i < 400; i++) {
        const u = random.uniform()
        if (u < 0.03) lost++
        else if (u < 0.04) gained++
      }
      if (tangoInterval(lost, gained, 400).high < 0.02) missed++
    }
    expect(missed / 2000).toBeGreaterThan(0.01)
    expect(missed / 2000).toBeLessThan(0.04)
  })
})

describe('pairedDifference', () => {
  test('scores of 0 and 1 are counted by discordant pairs', () => {
    const before = [1, 1, 1, 0, 1, 0, 1, 1, 0, 1]
    const after = [1, 0, 1, 1, 0, 0, 1, 0, 0, 1]
    const { difference, interval } = pairedDifference(before, after)
    expect(difference).toBeCloseTo(0.2, 14)
    expect(interval).toEqual(tangoInterval(3, 1, 10))
  })

  test('other scores by Student (scipy.stats.ttest_1samp)', () => {
    const after = [0.5, 0.2, 0.35, 0.1, 0.75, 0.25, 0.4, 0.3]
    const drops = [0.1, 0, -0.05, 0.2, 0.15, 0, 0.05, 0.1]
    const before = after.map((score, i) => score + drops[i]!)
    const { difference, interval } = pairedDifference(before, after)
    expect(difference).toBeCloseTo(0.06875, 12)
    expect(interval.low).toBeCloseTo(-0.0016855157354596223, 9)
    expect(interval.high).toBeCloseTo(0.13918551573545962, 9)
  })

  test('equal scores are not proof of equality: the bound shrinks with n', () => {
    const scores = Array.from({ length: 100 }, (_, i) => i / 100)
    const { difference, interval, upperAt } = pairedDifference(scores, scores)
    expect(difference).toBe(0)
    expect(interval.high).toBeCloseTo((0.99 * 3.8414588207) / 103.8414588207, 9)
    expect(upperAt(1000)).toBeLessThan(interval.high / 9)
  })
})
