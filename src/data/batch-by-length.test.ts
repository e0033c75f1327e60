import { describe, expect, test } from 'vitest'
import { batchByLength, type TextBatch } from './batch-by-length.ts'
import { padBatch } from './pad-batch.ts'
import type { Encoding } from './tokenizer.ts'

const encoding = (length: number, truncated = 0): Encoding => ({
  ids: Array.from({ length }, (_, i) => 10 + i),
  typeIds: Array.from({ length }, (_, i) => i % 2),
  truncated,
})
const numbers = (tensor: { data: unknown } | undefined) =>
  Array.from(tensor?.data as BigInt64Array, Number)

describe('padBatch', () => {
  test('pads on the right with the id given, mask and type ids with 0', () => {
    const feeds = padBatch([encoding(3), encoding(1)], { padId: 99 })
    expect(Object.keys(feeds)).toEqual(['input_ids', 'attention_mask', 'token_type_ids'])
    expect(feeds.input_ids).toMatchObject({ dtype: 'int64', shape: [2, 3] })
    expect(numbers(feeds.input_ids)).toEqual([10, 11, 12, 10, 99, 99])
    expect(numbers(feeds.attention_mask)).toEqual([1, 1, 1, 1, 0, 0])
    expect(numbers(feeds.token_type_ids)).toEqual([0, 1, 0, 0, 0, 0])
  })

  test('gives the inputs a model has, rounded up when asked', () => {
    const feeds = padBatch([encoding(3)], { inputs: ['input_ids', 'pixels'], multipleOf: 8 })
    expect(Object.keys(feeds)).toEqual(['input_ids'])
    expect(feeds.input_ids?.shape).toEqual([1, 8])
  })

  test('a batch of empty encodings has width 1', () => {
    expect(padBatch([encoding(0)]).attention_mask?.shape).toEqual([1, 1])
  })
})

describe('batchByLength', () => {
  const lengths = Array.from({ length: 1000 }, (_, i) => 1 + ((i * 7919) % 120))
  const collect = async (options: Parameters<typeof batchByLength>[2]) => {
    const batches: TextBatch<number>[] = []
    for await (const batch of batchByLength(lengths, (n) => encoding(n), options)) {
      batches.push(batch)
    }
    return batches
  }

  test('every item is in one batch, at its index and with its own tokens', async () => {
    const batches = await collect({ batchSize: 32, window: 4 })
    const seen = batches.flatMap(({ indices, items }) =>
      indices.map((index, i) => [index, items[i]] as const),
    )
    expect(seen.sort((a, b) => a[0] - b[0])).toEqual([...lengths.entries()])
    for (const { feeds, items, lengths: tokens } of batches) {
      const [rows = 0, width = 0] = feeds.input_ids?.shape ?? []
      expect(rows).toBe(items.length)
      expect(width).toBe(Math.max(...items))
      expect(tokens).toEqual(items)
      const mask = numbers(feeds.attention_mask)
      expect(mask.reduce((sum, bit) => sum + bit, 0)).toBe(items.reduce((sum, n) => sum + n, 0))
    }
  })

  test('wastes far less padding than input order', async () => {
    const padded = (batches: TextBatch<number>[]) =>
      batches.reduce((sum, { feeds }) => sum + (feeds.input_ids?.data.length ?? 0), 0)
    const text = lengths.reduce((sum, n) => sum + n, 0)
    expect(padded(await collect({ batchSize: 32 })) / text).toBeLessThan(1.05)
    expect(padded(await collect({ batchSize: 32, window: 1 })) / text).toBeGreaterThan(1.3)
  })

  test('bounds tokens after padding; a longer text runs alone', async () => {
    const batches = await collect({ batchSize: 32, maxTokens: 100 })
    for (const { feeds, items } of batches) {
      expect((feeds.input_ids?.data.length ?? 0) <= 100 || items.length === 1).toBe(true)
    }
    expect(batches.some(({ items }) => (items[0] ?? 0) > 100)).toBe(true)
  })

  test('holds no more than its window of a stream', async () => {
    let taken = 0
    async function* stream() {
      while (true) {
        yield ++taken
      }
    }
    for await (const batch of batchByLength(stream(), () => encoding(2), {
      batchSize: 4,
      window: 3,
    })) {
      expect(batch.items).toEqual([1, 2, 3, 4])
      break
    }
    expect(taken).toBe(12)
  })

  test('counts texts that were cut, and refuses sizes that are none', async () => {
    const items = [encoding(3, 1), encoding(3), encoding(2, 9)]
    for await (const batch of batchByLength(items, (item) => item, { batchSize: 3 })) {
      expect(batch.truncated).toBe(2)
    }
    await expect(collect({ batchSize: 0 })).rejects.toThrow(/batch size: expected a positive/)
    await expect(collect({ batchSize: 1, maxTokens: 0.5 })).rejects.toThrow(/got 0\.5/)
  })
})
