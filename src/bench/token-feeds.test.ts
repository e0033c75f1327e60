import { expect, it } from 'vitest'
import { formatShape, parseShapes } from './bench-shape.ts'
import { tokenFeeds } from './token-feeds.ts'

const port = (name: string, dtype: 'int64' | 'int32' | 'float32' = 'int64') => ({
  name,
  dtype,
  shape: ['batch', 'sequence'],
})

it('reads shapes and refuses others', () => {
  expect(parseShapes('1x16, 8×128')).toEqual([
    { batch: 1, sequence: 16 },
    { batch: 8, sequence: 128 },
  ])
  expect(parseShapes('1x16,8x128').map(formatShape)).toEqual(['1x16', '8x128'])
  for (const text of ['', '16', '0x16', '1x16,', '1x-4', 'axb']) {
    expect(() => parseShapes(text)).toThrow('expected texts x tokens, such as 1x16,8x128')
  }
})

it('feeds random tokens by name, the same for the same seed', () => {
  const inputs = [port('input_ids'), port('attention_mask', 'int32'), port('position_ids')]
  const feeds = tokenFeeds({ batch: 2, sequence: 3 }, inputs, { vocabularySize: 50 })
  expect(feeds.input_ids!.shape).toEqual([2, 3])
  expect([...feeds.input_ids!.data].every((id) => id >= 0n && id < 50n)).toBe(true)
  expect(feeds.attention_mask!.data).toEqual(new Int32Array(6).fill(1))
  expect([...feeds.position_ids!.data]).toEqual([0n, 1n, 2n, 0n, 1n, 2n])
  expect(tokenFeeds({ batch: 2, sequence: 3 }, inputs, { vocabularySize: 50 })).toEqual(feeds)
})

it('says which input it cannot feed', () => {
  expect(() => tokenFeeds({ batch: 1, sequence: 4 }, [port('pixel_values', 'float32')])).toThrow(
    "Input 'pixel_values' (float32[batch, sequence]) is not known",
  )
})
