/** Keys of config.json: what is read, and the one sentence that each bad value gets. */
import { describe, expect, it } from 'vitest'
import { labelsOf, numberOf, sizeOf, textOf } from './config.ts'

const config = (json: Record<string, unknown>) => ({ file: 'config.json', json })

describe('sizeOf', () => {
  it('takes the first key that is there, else the fallback', () => {
    expect(sizeOf(config({ n_layer: 3, layers: 4 }), ['layers', 'n_layer'])).toBe(4)
    expect(sizeOf(config({ layers: null, n_layer: 3 }), ['layers', 'n_layer'])).toBe(3)
    expect(sizeOf(config({}), ['layers'], 2)).toBe(2)
  })

  it.each([
    0,
    -1,
    1.5,
    2 ** 24 + 1,
    Number.NaN,
    '12',
    [12],
    undefined,
    true,
  ])('refuses %j', (size) => {
    const found = JSON.stringify(size)
    expect(() => sizeOf(config({ layers: size }), ['layers'])).toThrow(
      `config.json: expected layers to be a whole number from 1 to 16777216, found ${found}.`,
    )
  })
})

it('numbers and texts are of their type', () => {
  expect(numberOf(config({ eps: 1e-5 }), 'eps', 1)).toBe(1e-5)
  expect(numberOf(config({ eps: null }), 'eps', 1)).toBe(1)
  expect(() => numberOf(config({ eps: '1e-5' }), 'eps', 1)).toThrow(
    'config.json: expected eps to be a number, found "1e-5".',
  )
  expect(textOf(config({}), 'act', 'gelu')).toBe('gelu')
  expect(() => textOf(config({ act: { x: 1 } }), 'act', 'gelu')).toThrow(
    'config.json: expected act to be a text, found {"x":1}.',
  )
})

describe('labelsOf', () => {
  it('orders id2label by number, else counts num_labels, else two', () => {
    const id2label = { 10: 'k', ...Object.fromEntries([...'abcdefghij'].entries()) }
    expect(labelsOf(config({ id2label })).join('')).toBe('abcdefghijk')
    expect(labelsOf(config({ num_labels: 3 }))).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2'])
    expect(labelsOf(config({ id2label: null }))).toHaveLength(2)
    expect(labelsOf(config({ num_labels: 2 ** 18 }))).toHaveLength(2 ** 18)
    expect(() => labelsOf(config({ num_labels: 2 ** 24 }))).toThrow(
      'config.json: expected at most 262144 labels, found num_labels 16777216.',
    )
  })

  it.each([
    { 1: 'a' },
    { 0: 'a', 2: 'b' },
    { a: 'x' },
    {},
    { '-1': 'x' },
    { 4294967294: 'x' },
  ])('refuses %j', (id2label) => {
    expect(() => labelsOf(config({ id2label }))).toThrow(
      'config.json: expected id2label to number the labels from 0 without gaps',
    )
  })
})
