import { describe, expect, test } from 'vitest'
import { labelMap } from './label-map.ts'

describe('labelMap', () => {
  const map = labelMap({ 0: 'negative', 1: 'positive' })

  test('finds a class by name, ignoring case and space around, and by number', () => {
    const labels = ['positive', 'Positive', ' negative ', '1', 0]
    expect(labels.map((label) => map.find(label))).toEqual([1, 1, 0, 1, 0])
  })

  test('names go before numbers', () => {
    const shifted = labelMap(['1', '2', '3'])
    expect(['1', '2', '3', '0'].map((label) => shifted.find(label))).toEqual([0, 1, 2, 0])
  })

  test('names that differ in case only need their case', () => {
    const map = labelMap(['Us', 'us', 'them'])
    expect(['Us', 'us', 'US', 'Them'].map(map.find)).toEqual([0, 1, undefined, 2])
  })

  test('an unknown label names place, label and the labels known', () => {
    expect(() => map.classOf('neutral', 'dev.tsv:7')).toThrow(
      "dev.tsv:7: unknown label 'neutral'; the model's labels are negative, positive (or 0-1).",
    )
    expect(() => map.classOf('2', 'dev.tsv:7')).toThrow(/unknown label '2'/)
    expect(() => map.classOf('-1', 'dev.tsv:7')).toThrow(/unknown label '-1'/)
    expect(() => map.classOf(undefined, 'dev.tsv:7')).toThrow(/unknown label ''/)
    expect(() => map.classOf('postive', 'x:1')).toThrow(
      expect.objectContaining({ hint: "Did you mean 'positive'?" }),
    )
  })

  test('ids with a gap are refused', () => {
    expect(() => labelMap({ 0: 'a', 2: 'b' })).toThrow(/expected the ids 0, 1, \.\.\. with names/)
  })
})
