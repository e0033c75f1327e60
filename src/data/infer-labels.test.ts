import { describe, expect, test } from 'vitest'
import { areNumbered, inferLabels } from './infer-labels.ts'

const inferred = (written: readonly string[], count: number) => {
  const found = inferLabels(written, count)
  return found && { source: found.source, classes: Object.fromEntries(found.classes) }
}

describe('inferLabels', () => {
  test('numbers keep their order', () => {
    expect(inferred(['5', '1', '3', '2', '4'], 5)).toEqual({
      source: 'numeric order',
      classes: { 1: 0, 2: 1, 3: 2, 4: 3, 5: 4 },
    })
    expect(inferred(['1', '-1'], 2)?.classes).toEqual({ '-1': 0, 1: 1 })
    expect(inferred(['10', '9'], 2)?.classes).toEqual({ 9: 0, 10: 1 })
  })

  test('stars of which one is missing are still counted from 1', () => {
    expect(inferred(['5', '1', '2'], 5)?.classes).toEqual({ 1: 0, 2: 1, 5: 4 })
    expect(inferred(['6', '1', '2'], 5)).toBeUndefined()
  })

  test('names are sorted, but for those of language inference', () => {
    expect(inferred(['pos', 'neg'], 2)).toEqual({
      source: 'sorted names',
      classes: { neg: 0, pos: 1 },
    })
    expect(inferred(['True', 'False'], 2)?.classes).toEqual({ False: 0, True: 1 })
    // RTE and QNLI of GLUE: entailment is 0
    expect(inferred(['not_entailment', 'entailment'], 2)?.classes).toEqual({
      entailment: 0,
      not_entailment: 1,
    })
    // MNLI of the Hub: entailment 0, neutral 1, contradiction 2
    expect(inferred(['contradiction', 'neutral', 'entailment'], 3)).toEqual({
      source: 'usual order',
      classes: { entailment: 0, neutral: 1, contradiction: 2 },
    })
  })

  test('a label more or less than the model has classes is not guessed', () => {
    expect(inferred(['pos'], 2)).toBeUndefined()
    expect(inferred(['pos', 'neg', 'neutral'], 2)).toBeUndefined()
    expect(inferred(['', '1'], 2)?.source).toBe('sorted names')
  })
})

test('areNumbered', () => {
  expect(areNumbered(['LABEL_0', 'LABEL_1'])).toBe(true)
  expect(areNumbered(['0', '1'])).toBe(true)
  expect(areNumbered(['1', '2'])).toBe(false)
  expect(areNumbered(['negative', 'positive'])).toBe(false)
  expect(areNumbered([])).toBe(false)
})
