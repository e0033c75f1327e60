/** Derived tensors are recipes: nothing is read when they are made, and recipes that cancel vanish. */
import { expect, it } from 'vitest'
import { hostArray } from './data-type.ts'
import {
  casted,
  type DerivedSource,
  float32Tensor,
  inlineTensor,
  inlineValues,
  int64Tensor,
  reshaped,
  type Tensor,
  tensorSize,
  transposed,
} from './tensor.ts'

/** A tensor whose bytes cannot be had: touching its source's place throws. */
const untouchable: Tensor = {
  dtype: 'float16',
  shape: [2, 3, 4],
  source: {
    kind: 'file',
    get path(): string {
      throw new Error('read')
    },
    offset: 0,
    length: 48,
  },
}

it('transposes, casts and reshapes without reading', () => {
  const derived = reshaped(casted(transposed(untouchable, [2, 0, 1]), 'float32'), [8, 3])
  expect(derived).toMatchObject({ dtype: 'float32', shape: [8, 3] })
  expect(tensorSize(derived)).toBe(24)
  expect(transposed(untouchable, [2, 0, 1]).shape).toEqual([4, 2, 3])
})

it('what changes nothing is the tensor itself', () => {
  expect(transposed(untouchable, [0, 1, 2])).toBe(untouchable)
  expect(casted(untouchable, 'float16')).toBe(untouchable)
  expect(transposed(transposed(untouchable, [2, 0, 1]), [1, 2, 0])).toBe(untouchable)
})

it('a transpose of a transpose is one', () => {
  const twice = transposed(transposed(untouchable, [2, 0, 1]), [0, 2, 1])
  expect(twice.shape).toEqual([4, 3, 2])
  expect(twice.source).toMatchObject({ op: 'transpose', settings: { perm: [2, 1, 0] } })
  expect((twice.source as DerivedSource).inputs[0]).toBe(untouchable)
})

it('a reshape keeps bytes that are there, and derives from what is derived', () => {
  const inline = float32Tensor([1, 2, 3, 4])
  expect(reshaped(inline, [2, 2]).source).toBe(inline.source)
  const turned = transposed(reshaped(inline, [2, 2]), [1, 0])
  expect(reshaped(turned, [4]).source).toMatchObject({ kind: 'derived', op: 'reshape' })
})

it('inline tensors give their values, others none', () => {
  expect(inlineValues(int64Tensor([1, -1]))).toEqual(BigInt64Array.of(1n, -1n))
  expect(inlineValues(float32Tensor([0.5]))).toEqual(Float32Array.of(0.5))
  expect(inlineValues(casted(float32Tensor([0.5]), 'float16'))).toBeUndefined()
  const part = Float32Array.of(9, 1, 2).subarray(1)
  expect(inlineValues(inlineTensor('float32', [2], part))).toEqual(Float32Array.of(1, 2))
})

it('bytes that do not stand on an element boundary are read all the same', () => {
  const bytes = new Uint8Array(9)
  new DataView(bytes.buffer).setBigInt64(1, -5n, true)
  expect(hostArray('int64', bytes.subarray(1))).toEqual(BigInt64Array.of(-5n))
  expect(hostArray('int64', Buffer.from(bytes.buffer, 1, 8))).toEqual(BigInt64Array.of(-5n))
})
