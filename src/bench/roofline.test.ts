/** Limits and predictions whose figures can be done by hand. */
import { describe, expect, it } from 'vitest'
import { noWork } from '../ops/graph-work.ts'
import { type Advice, int8Saving, ranked, scaledSaving } from './advice.ts'
import { idealMs, intensityOf, limitOf } from './roofline.ts'

const machine = { fp32FlopsPerSecond: 100e9, int8OpsPerSecond: 1000e9, bytesPerSecond: 10e9 }
const product = { ...noWork, macs: 1e9, flops: 2e9, weightBytes: 1e6, activationBytes: 1e6 }

describe('the roofline', () => {
  it('a product of floats takes its operations, one of bytes a tenth', () => {
    expect(idealMs(product, machine)).toBeCloseTo(20)
    expect(idealMs({ ...product, int8Macs: 1e9 }, machine)).toBeCloseTo(2)
  })

  it('names the limit that is met, and says when it is neither', () => {
    const copy = { ...noWork, flops: 1e6, activationBytes: 100e6 }
    expect(limitOf(product, 25, machine)).toMatchObject({ bound: 'compute', reached: 0.8 })
    expect(limitOf(copy, 12.5, machine)).toMatchObject({ bound: 'memory', reached: 0.8 })
    expect(limitOf(product, 100, machine)).toMatchObject({ bound: 'code', reached: 0.2 })
    expect(limitOf(product, 0, machine).reached).toBe(0)
  })

  it('intensity is operations a byte', () => {
    expect(intensityOf(product)).toBe(1000)
    expect(intensityOf(noWork)).toBe(0)
  })
})

describe('predictions', () => {
  it('scale each part as its ideal time does, and never make it slower', () => {
    const parts = [
      { ms: 10, idealMs: 8, changedMs: 2 },
      { ms: 4, idealMs: 2, changedMs: 3 },
      { ms: 1, idealMs: 0, changedMs: 0 },
    ]
    expect(scaledSaving(parts)).toBe(7.5)
  })

  it('INT8 saves a share of the products, each as often as it stands in the model', () => {
    const size = [1, 1, 1] as const
    const products = [
      { size, fp32Ms: 5, int8Ms: 1, count: 3 },
      { size, fp32Ms: 1, int8Ms: 2, count: 1 },
    ]
    expect(int8Saving(products)).toBeCloseTo(11 / 16, 12)
    expect(int8Saving([])).toBe(0)
  })

  it('rank by what they save, what is done last', () => {
    const advice: Advice[] = [
      { what: 'done', predictedMs: 9, applied: true },
      { what: 'little', predictedMs: 1 },
      { what: 'much', predictedMs: 5 },
    ]
    expect(ranked(advice).map(({ what }) => what)).toEqual(['much', 'little', 'done'])
  })
})
