import { describe, expect, it } from 'vitest'
import { evaluatesAt, trainingPlan } from './training-plan.ts'

const lengths = Array.from({ length: 103 }, (_, i) => 5 + (i % 17))
const options = { seed: 1, batchSize: 8, accumulate: 2 }

describe('trainingPlan', () => {
  it('has each example once an epoch, however steps are asked for', () => {
    const plan = trainingPlan(lengths, { ...options, epochs: 3 })
    // 103 examples are 13 batches, of two a step
    expect([plan.steps, plan.epochs, plan.ends]).toEqual([21, 3, [7, 14, 21]])
    const forward = Array.from({ length: 21 }, (_, step) => plan.at(step))
    const backward = Array.from({ length: 21 }, (_, i) => plan.at(20 - i)).reverse()
    expect(backward).toEqual(forward)
    for (const epoch of [0, 1, 2]) {
      const own = forward.filter((step) => step.epoch === epoch)
      const places = own.flatMap(({ batches }) => batches.flat())
      expect(places.sort((a, b) => a - b)).toEqual([...lengths.keys()])
      expect(own.map(({ batches }) => batches.length)).toEqual([2, 2, 2, 2, 2, 2, 1])
    }
    expect(plan.largest).toEqual({ rows: 8, width: 21 })
  })

  it('begins as many epochs as the steps need', () => {
    const plan = trainingPlan(lengths, { ...options, steps: 10 })
    expect([plan.steps, plan.epochs, plan.ends]).toEqual([10, 2, [7, 10]])
    expect(plan.at(9).epoch).toBe(1)
  })

  it('refuses what is no count', () => {
    expect(() => trainingPlan(lengths, { ...options, epochs: 0 })).toThrow('--epochs 0: expected')
    expect(() => trainingPlan(lengths, { ...options, steps: 2.5 })).toThrow('--steps 2.5: expected')
    expect(() => trainingPlan(lengths, { ...options, epochs: 1, accumulate: 0 })).toThrow(
      '--accumulate 0',
    )
  })
})

describe('evaluatesAt', () => {
  it.each([
    ['the quarters of one epoch', 1, [250, 500, 750, 1000]],
    ['quarters between the ends of two', 2, [250, 500, 750, 1000]],
    ['no quarter that an end is near', 3, [334, 500, 668, 1000]],
    ['the ends of many', 5, [200, 400, 600, 800, 1000]],
  ])('%s', (_, epochs, expected) => {
    const steps = 1000
    const ends = Array.from({ length: epochs }, (__, i) =>
      Math.min(steps, (i + 1) * Math.ceil(steps / epochs)),
    )
    const judged = evaluatesAt({ steps, ends })
    const all = Array.from({ length: steps }, (__, i) => i + 1)
    expect(all.filter(judged)).toEqual(expected)
  })

  it('every so many steps, whatever the epochs', () => {
    const judged = evaluatesAt({ steps: 10, ends: [5, 10] }, 4)
    expect([4, 5, 8, 10].filter(judged)).toEqual([4, 8])
  })
})
