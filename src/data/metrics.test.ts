import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeWith, realData } from '../../test/support/fixtures.ts'
import { parseMaxDrop } from '../stats/index.ts'
import { acceptMetric } from './accept-metric.ts'
import { labelMap } from './label-map.ts'
import { argmax, rowsOf } from './logits.ts'
import { evaluateMetrics, type MetricResult, metricMeter } from './metrics.ts'
import { readExamples } from './read-examples.ts'

const values = (results: readonly MetricResult[]) =>
  Object.fromEntries(results.map(({ name, value }) => [name, value]))
const inside = ({ value, interval }: MetricResult) => interval.low < value && value < interval.high

// expected values by scikit-learn 1.9.1
describe('metrics of classes', () => {
  test('three classes', () => {
    const expected = [0, 1, 2, 2, 1, 0, 1, 2, 0, 1, 1, 2, 0, 0, 1]
    const answers = [0, 1, 2, 1, 1, 0, 0, 2, 0, 1, 2, 2, 1, 0, 1]
    const results = evaluateMetrics('classification', answers, expected, 3)
    expect(Object.keys(values(results))).toEqual(['accuracy', 'macro-f1', 'matthews'])
    expect(values(results).accuracy).toBeCloseTo(0.7333333333333333, 12)
    expect(values(results)['macro-f1']).toBeCloseTo(0.7388888888888889, 12)
    expect(values(results).matthews).toBeCloseTo(0.5945945945945946, 12)
    expect(results.every(inside)).toBe(true)
    expect(results[0]?.perExample?.reduce((sum, score) => sum + score, 0)).toBe(11)
  })

  test('two classes add the F1 of class 1', () => {
    const expected = [0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1]
    const answers = [0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1]
    const found = values(evaluateMetrics('classification', answers, expected, 2))
    expect(found.f1).toBeCloseTo(0.7692307692307693, 12)
    expect(found['macro-f1']).toBeCloseTo(0.7482517482517483, 12)
    expect(found.matthews).toBeCloseTo(0.50709255283711, 12)
  })

  test('one answer for all: Matthews is 0, a class never seen does not count', () => {
    const found = values(evaluateMetrics('classification', [1, 1, 1], [1, 0, 1], 5))
    expect(found.matthews).toBe(0)
    expect(found['macro-f1']).toBeCloseTo((0 + 0.8) / 2, 12)
  })
})

describe('other metrics', () => {
  test('several labels: exact match and micro F1', () => {
    const expected = [[0, 2], [1], [], [0, 1, 2], [2]]
    const answers = [[0, 2], [1, 2], [], [0, 2], [0]]
    const found = values(evaluateMetrics('multi-label', answers, expected))
    expect(found).toEqual({ 'exact-match': 0.4, 'micro-f1': expect.closeTo(0.7142857142857143) })
  })

  test('numbers: correlations and mean squared error', () => {
    const answers = [2.1, 3.5, 1.2, 5.5, 4.0]
    const expected = [1, 3, 2, 6, 3]
    const results = evaluateMetrics('regression', answers, expected)
    expect(values(results).mse).toBeCloseTo(0.67, 12)
    expect(results.map(({ better }) => better)).toEqual(['higher', 'higher', 'lower'])
    expect(results.every(inside)).toBe(true)
    const similarity = evaluateMetrics('similarity', answers, expected)
    expect(similarity.map(({ name }) => name)).toEqual(['spearman', 'pearson'])
  })

  test('constant answers have no correlation', () => {
    const [pearson] = evaluateMetrics('regression', [1, 1, 1, 1, 1], [1, 2, 3, 4, 5])
    expect(pearson?.value).toBeNaN()
    expect(pearson?.interval).toEqual({ low: -1, high: 1 })
  })

  test('no examples, or lists that do not pair, are refused', () => {
    expect(() => evaluateMetrics('regression', [], [])).toThrow(/got 0 and 0/)
    expect(() => evaluateMetrics('regression', [1], [1, 2])).toThrow(/got 1 and 2/)
  })
})

describe('metricMeter', () => {
  const expected = Array.from({ length: 3000 }, (_, i) => i % 3)
  const answers = expected.map((label, i) => (i % 7 === 0 ? (label + 1) % 3 : label))

  test('takes answers in any order and says the same', () => {
    const meter = metricMeter('classification', 3)
    for (let i = 2999; i >= 0; i--) {
      const place = (i * 7) % 3000
      meter.add(place, answers[place]!, expected[place]!)
    }
    const plain = (results: readonly MetricResult[]) =>
      results.map(({ name, value, interval, n, perExample }) => ({
        ...{ name, value, interval, n, perExample: perExample && [...perExample] },
      }))
    const listed = evaluateMetrics('classification', answers, expected, 3)
    expect(plain(meter.result())).toEqual(plain(listed))
  })

  test('an example without an answer is no result', () => {
    const meter = metricMeter('regression')
    expect(() => meter.result()).toThrow(/at least one example, got 0/)
    meter.add(0, 1, 1)
    meter.add(2, 1, 1)
    expect(() => meter.result()).toThrow(/to each of 3 examples, got 2/)
  })
})

describe('acceptMetric', () => {
  const expected = Array.from({ length: 1000 }, (_, i) => i % 3)
  const before = expected.map((label, i) => (i % 10 === 0 ? (label + 1) % 3 : label))
  const results = (answers: readonly number[]) =>
    evaluateMetrics('classification', answers, expected, 3)
  const verdicts = (after: readonly number[], drop: string) =>
    results(before).map(
      (metric, i) => acceptMetric(metric, results(after)[i]!, parseMaxDrop(drop)).verdict,
    )

  test('every metric of a task is judged by its own kind', () => {
    const nearly = before.map((label, i) => (i % 500 === 1 ? (label + 1) % 3 : label))
    expect(verdicts(nearly, '2%')).toEqual(['proven', 'proven', 'proven'])
    const worse = before.map((label, i) => (i % 20 === 1 ? (label + 1) % 3 : label))
    expect(verdicts(worse, '2%')).toEqual(['rejected', 'rejected', 'rejected'])
  })

  test('an error may rise by what is allowed', () => {
    const gold = expected.map((label, i) => label + (i % 7))
    const mse = (noise: number) =>
      evaluateMetrics(
        'regression',
        gold.map((x, i) => x + noise * ((i % 5) - 2)),
        gold,
      )[2]!
    expect(acceptMetric(mse(1), mse(1.05), parseMaxDrop('20%')).verdict).toBe('proven')
    expect(acceptMetric(mse(1), mse(1.2), parseMaxDrop('20%')).verdict).toBe('rejected')
  })

  test('different metrics do not compare', () => {
    const [accuracy, f1] = results(before)
    expect(() => acceptMetric(accuracy!, f1!, parseMaxDrop('1%'))).toThrow(/expected accuracy of/)
  })
})

const sst2 = realData('models/minilm-l6-sst2/reference.safetensors')

describeWith(sst2, 'SST-2 dev with the reference logits of the fine-tuned MiniLM', () => {
  test('accuracy is 787 of 872, 90.25 %', async () => {
    const file = readFileSync(sst2)
    const start = 8 + Number(file.readBigUInt64LE())
    const data = new Float32Array(file.buffer.slice(file.byteOffset + start)).subarray(0, 1744)
    const answers = rowsOf({ dtype: 'float32', shape: [872, 2], data }).map(argmax)
    const expected: number[] = []
    const columns = { text: 'sentence', target: 'label' }
    const labels = labelMap(['negative', 'positive'])
    const path = realData('text/sst2/dev.tsv')
    for await (const { target } of readExamples(path, { columns, kind: 'class', labels })) {
      expected.push(target)
    }
    const [accuracy] = evaluateMetrics('classification', answers, expected, 2)
    expect(accuracy?.value).toBe(787 / 872)
    expect(accuracy?.interval.low).toBeCloseTo(0.881, 3)
    expect(accuracy?.interval.high).toBeCloseTo(0.9205, 4)
  })
})
