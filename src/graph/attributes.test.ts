/** Attributes: read back with their defaults, never as another type, and compared by value. */
import { expect, it } from 'vitest'
import {
  equalAttributes,
  float,
  floatOf,
  floats,
  int,
  intOf,
  ints,
  intsOf,
  string,
  stringOf,
  strings,
  tensorAttribute,
  tensorOf,
} from './attributes.ts'
import type { Node } from './graph.ts'
import { floatScalar } from './tensor.ts'

const tensor = floatScalar(1)
const node: Node = {
  op: 'Op',
  domain: '',
  inputs: [],
  outputs: [],
  origin: '',
  attributes: {
    axis: int(-1),
    big: { type: 'int', value: 7n },
    alpha: float(0.5),
    mode: string('linear'),
    perm: { type: 'ints', value: [1n, 0] },
    value: tensorAttribute(tensor),
  },
}

it('reads what is there', () => {
  expect(intOf(node, 'axis', 0)).toBe(-1)
  expect(intOf(node, 'big', 0)).toBe(7)
  expect(floatOf(node, 'alpha', 1)).toBe(0.5)
  expect(stringOf(node, 'mode', 'cubic')).toBe('linear')
  expect(intsOf(node, 'perm')).toEqual([1, 0])
  expect(tensorOf(node, 'value')).toBe(tensor)
})

it('gives the default for what is absent or of another type', () => {
  expect(intOf(node, 'alpha', 3)).toBe(3)
  expect(floatOf(node, 'axis', undefined)).toBeUndefined()
  expect(stringOf(node, 'axis', 'cubic')).toBe('cubic')
  expect(intsOf(node, 'axis')).toBeUndefined()
  expect(() => tensorOf(node, 'axis')).toThrow('internal: Op.axis is no tensor')
})

it('compares by type and value', () => {
  expect(equalAttributes(ints([1, 2]), ints([1, 2]))).toBe(true)
  expect(equalAttributes(ints([1, 2]), ints([1, 2, 3]))).toBe(false)
  expect(equalAttributes(ints([1, 2]), floats([1, 2]))).toBe(false)
  expect(equalAttributes(int(1), float(1))).toBe(false)
  expect(equalAttributes(strings(['a']), strings(['a']))).toBe(true)
  expect(equalAttributes(string('a'), string('b'))).toBe(false)
  expect(equalAttributes(undefined, undefined)).toBe(true)
  expect(equalAttributes(int(1), undefined)).toBe(false)
  expect(equalAttributes(tensorAttribute(tensor), tensorAttribute(floatScalar(1)))).toBe(false)
})
