/**
 * GLUE's metrics and their intervals on 400 seeded answers, against scipy 1.17.1 and scikit-learn 1.9.1:
 * `matthews_corrcoef`, `f1_score`, `pearsonr(…).confidence_interval()`, `spearmanr`,
 * `binomtest(…).proportion_ci('wilson')`. Bootstrap intervals: quantiles of 200,000 multinomial resamples of
 * the confusion table in NumPy; ours has 2,000 resamples, whose ends vary by about 0.004. Interval of Spearman:
 * Bonett and Wright's formula in NumPy.
 */
import { expect, test } from 'vitest'
import { evaluateMetrics, type MetricName } from './metrics.ts'

/** A linear congruential generator (ISO C's constants), so that NumPy draws the same numbers. */
function draw(seed: number, count: number): number[] {
  let state = BigInt(seed)
  return Array.from({ length: count }, () => {
    state = (state * 1103515245n + 12345n) % 2147483648n
    return Number(state) / 2147483648
  })
}

const [first, second, third] = [draw(1, 400), draw(2, 400), draw(3, 400)]

function byName<T extends Parameters<typeof evaluateMetrics>[0]>(
  task: T,
  answers: readonly number[],
  expected: readonly number[],
  classes?: number,
) {
  const results = evaluateMetrics(task as 'classification', answers, expected, classes)
  return (name: MetricName) => results.find((result) => result.name === name)!
}

test('two classes, as of CoLA and MRPC', () => {
  const expected = first.map((x) => (x < 0.7 ? 1 : 0))
  const answers = expected.map((label, i) => (second[i]! < 0.8 ? label : 1 - label))
  const of = byName('classification', answers, expected, 2)
  expect(of('accuracy').value).toBeCloseTo(0.8175, 12)
  expect(of('accuracy').interval.low).toBeCloseTo(0.7766870404912806, 9)
  expect(of('accuracy').interval.high).toBeCloseTo(0.8522726526064411, 9)
  expect(of('f1').value).toBeCloseTo(0.867513611615245, 12)
  expect(of('macro-f1').value).toBeCloseTo(0.7871704604260964, 12)
  expect(of('matthews').value).toBeCloseTo(0.5811857080747584, 12)
  const near = (name: MetricName, low: number, high: number) => {
    expect(Math.abs(of(name).interval.low - low)).toBeLessThan(0.015)
    expect(Math.abs(of(name).interval.high - high)).toBeLessThan(0.015)
  }
  near('matthews', 0.49355298, 0.66416012)
  near('f1', 0.83603604, 0.89642857)
})

test('five classes', () => {
  const expected = first.map((x) => Math.floor(x * 5))
  const answers = expected.map((label, i) => (second[i]! < 0.6 ? label : Math.floor(third[i]! * 5)))
  const of = byName('classification', answers, expected, 5)
  expect(of('accuracy').value).toBeCloseTo(0.6825, 12)
  expect(of('macro-f1').value).toBeCloseTo(0.6831942489571505, 12)
  expect(of('matthews').value).toBeCloseTo(0.6036043338708532, 12)
})

test('scores with many ties, as of STS-B', () => {
  const expected = first.map((x) => Math.round(x * 25) / 5)
  const answers = first.map((x, i) => Math.round((x * 0.6 + second[i]! * 0.4) * 20) / 20)
  const of = byName('regression', answers, expected)
  expect(of('pearson').value).toBeCloseTo(0.8194622089181527, 12)
  expect(of('pearson').interval.low).toBeCloseTo(0.7844399904554871, 9)
  expect(of('pearson').interval.high).toBeCloseTo(0.8492749585147763, 9)
  expect(of('spearman').value).toBeCloseTo(0.8225403179272325, 12)
  expect(of('spearman').interval.low).toBeCloseTo(0.7821270797002846, 9)
  expect(of('spearman').interval.high).toBeCloseTo(0.856062756788885, 9)
  expect(of('mse').value).toBeCloseTo(5.3626, 10)
})
