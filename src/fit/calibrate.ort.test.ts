/** Ranges of layers: padding left out, batches of any width, shared inputs, constants, and values that are none. */
import { describe, expect, it } from 'vitest'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { activationScale } from '../passes/activation-scale.ts'
import { calibrateLayers } from './calibrate.ts'

/** Two layers read `x`, a third what the first gives; `twice` is the weight of two. */
function sample() {
  const b = new GraphBuilder('sample')
  const x = b.input('x', 'float32', ['batch', 'tokens', 2])
  b.input('attention_mask', 'int64', ['batch', 'tokens'])
  const weights = ['first', 'second', 'twice'].map((name, i) =>
    b.parameter({ name }, float32Tensor([i + 1, 0, 0, i + 1], [2, 2])),
  )
  const layer = (input: typeof x, i: number) =>
    b.op('MatMul', [input, b.op('Transpose', [weights[i]!], { perm: ints([1, 0]) })])
  const y = layer(x, 0)
  b.output('z', layer(x, 1))
  b.output('y', layer(layer(y, 2), 2))
  return b.build()
}

const feeds = (values: readonly number[], mask: readonly number[]): Record<string, HostTensor> => ({
  x: { dtype: 'float32', shape: [1, mask.length, 2], data: Float32Array.from(values) },
  attention_mask: {
    dtype: 'int64',
    shape: [1, mask.length],
    data: BigInt64Array.from(mask, BigInt),
  },
})

const batches = [feeds([1, 2, 99, -99, 3, 4], [1, 0, 1]), feeds([-5, 6], [1])]

describe('calibrateLayers', () => {
  it('finds the ranges of real tokens over batches of any width', async () => {
    const ranges = await calibrateLayers(sample(), batches, { method: 'min-max', outputs: true })
    expect(ranges).toEqual({
      first: { input: { min: -5, max: 6 }, output: { min: -5, max: 6 } },
      second: { input: { min: -5, max: 6 }, output: { min: -10, max: 12 } },
      // one weight, two layers: x · 1 and x · 3 go in, x · 3 and x · 9 come out
      twice: { input: { min: -15, max: 18 }, output: { min: -45, max: 54 } },
    })
  })

  it('goes twice over the batches for a histogram, and says how far it is', async () => {
    const done: number[] = []
    const ranges = await calibrateLayers(sample(), batches, {
      method: 'percentile',
      percentile: 50,
      onBatch: (count) => done.push(count),
    })
    expect(done).toEqual([1, 2, 3, 4])
    const { input, output } = ranges.first!
    expect(output).toBeUndefined()
    expect(input.min).toBeGreaterThan(-5)
    expect(input.max).toBeLessThan(6)
    expect(input.max).toBeGreaterThan(input.min)
  })

  it.each([
    'min-max',
    'moving-average',
    'percentile',
    'entropy',
    'mse',
  ] as const)('%s: zeros and constants have a scale', async (method) => {
    for (const value of [0, 3]) {
      const constant = [feeds([value, value], [1])]
      const { first } = await calibrateLayers(sample(), constant, { method })
      const { scale, zeroPoint } = activationScale(first!.input, 'first')
      const code = Math.min(255, Math.max(0, Math.round(value / scale) + zeroPoint))
      expect((code - zeroPoint) * scale).toBeCloseTo(value, 2)
    }
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('names the layer that sees %s', async (value) => {
    const found = calibrateLayers(sample(), [feeds([1, value], [1])], { method: 'min-max' })
    await expect(found).rejects.toThrow(/^Calibration found (NaN|Infinity) in the input of first,/)
  })

  it('refuses nothing to look at, and stops where it is told to', async () => {
    await expect(calibrateLayers(sample(), [])).rejects.toThrow('needs at least one text')
    const stopped = calibrateLayers(sample(), batches, { signal: AbortSignal.abort() })
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
  })
})
