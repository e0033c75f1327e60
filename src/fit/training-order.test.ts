import { describe, expect, it } from 'vitest'
import { randomFrom } from '../stats/random.ts'
import { epochBatches } from './training-order.ts'

const random = randomFrom(3)
const lengths = Array.from({ length: 1000 }, () => 4 + random.below(60))
const options = { seed: 7, batchSize: 8 }

describe('epochBatches', () => {
  it('has each example once, in batches within both limits', () => {
    for (const maxTokens of [undefined, 128, 10]) {
      const batches = epochBatches(lengths, 0, { ...options, maxTokens })
      expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()])
      for (const batch of batches) {
        expect(batch.length).toBeLessThanOrEqual(8)
        const width = Math.max(...batch.map((place) => lengths[place]!))
        if (batch.length > 1) expect(width * batch.length).toBeLessThanOrEqual(maxTokens ?? 8 * 64)
      }
    }
  })

  it('is the same for the same seed and epoch, and another for another', () => {
    const first = epochBatches(lengths, 0, options)
    expect(epochBatches(lengths, 0, options)).toEqual(first)
    expect(epochBatches(lengths, 1, options)).not.toEqual(first)
    expect(epochBatches(lengths, 0, { ...options, seed: 8 })).not.toEqual(first)
  })

  it('pads far less than random batches, without sorting the epoch', () => {
    const batches = epochBatches(lengths, 0, options)
    const widths = batches.map((batch) => Math.max(...batch.map((place) => lengths[place]!)))
    const padded = batches.reduce((sum, batch, i) => sum + batch.length * widths[i]!, 0)
    const real = lengths.reduce((sum, length) => sum + length, 0)
    expect(padded / real).toBeLessThan(1.05)
    const half = widths.length / 2
    const mean = (some: number[]) => some.reduce((sum, width) => sum + width, 0) / some.length
    expect(Math.abs(mean(widths.slice(0, half)) - mean(widths.slice(half)))).toBeLessThan(8)
  })

  it('refuses what is no size', () => {
    expect(() => epochBatches(lengths, 0, { seed: 1, batchSize: 0 })).toThrow(
      '--batch: expected a positive integer, got 0.',
    )
    expect(() => epochBatches(lengths, 0, { seed: 1, batchSize: 1, maxTokens: 1.5 })).toThrow(
      '--max-tokens',
    )
  })
})
