import { expect, it } from 'vitest'
import { halfToFloat } from '../onnx/half-floats.ts'
import { randomFeeds } from './random-feeds.ts'

it('values follow the type and what the name says', () => {
  const shape = [2, 3]
  const feeds = randomFeeds([
    { name: 'input_ids', dtype: 'int64', shape },
    { name: 'attention_mask', dtype: 'int32', shape },
    { name: 'position_ids', dtype: 'int64', shape },
    { name: 'token_type_ids', dtype: 'int64', shape },
    { name: 'use_cache', dtype: 'bool', shape: [1] },
    { name: 'pixel_values', dtype: 'float32', shape: [1, 3, 2, 2] },
    { name: 'half', dtype: 'float16', shape: [2] },
  ])
  const numbers = (name: string) => Array.from(feeds[name]!.data, Number)
  expect(numbers('input_ids').every((id) => Number.isInteger(id) && id >= 0 && id < 100)).toBe(true)
  expect(new Set(numbers('input_ids')).size).toBeGreaterThan(1)
  expect(numbers('attention_mask')).toEqual([1, 1, 1, 1, 1, 1])
  expect(numbers('position_ids')).toEqual([0, 1, 2, 0, 1, 2])
  expect(numbers('token_type_ids')).toEqual([0, 0, 0, 0, 0, 0])
  expect(numbers('use_cache')).toEqual([1])
  expect(feeds.pixel_values!.data).toHaveLength(12)
  expect(numbers('pixel_values').every((x) => Math.abs(x) <= 0.5)).toBe(true)
  // bit patterns of numbers from −0.5 to 0.5, not all alike
  const half = Array.from(halfToFloat(feeds.half!.data as Uint16Array))
  expect(half.every((x) => x !== 0 && Math.abs(x) <= 0.5)).toBe(true)
  expect(half[0]).not.toBe(half[1])
})

it('strings cannot be made up', () => {
  expect(() => randomFeeds([{ name: 's', dtype: 'string', shape: [1] }])).toThrow("input 's'")
})
