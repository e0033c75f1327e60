import { describe, expect, it } from 'vitest'
import { learningRate, scheduleNamed, warmupSteps } from './schedule.ts'

describe('learningRate', () => {
  const schedule = { name: 'linear', peak: 1, warmup: 4, steps: 14 } as const

  it('rises to its peak in the warm-up and falls to nothing at the end', () => {
    const rates = Array.from({ length: 14 }, (_, step) => learningRate(schedule, step))
    expect(rates.slice(0, 5)).toEqual([0.2, 0.4, 0.6, 0.8, 1])
    expect(rates.slice(4)).toEqual(
      [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1].map((r) => expect.closeTo(r, 12)),
    )
    expect(learningRate(schedule, 14)).toBe(0)
  })

  it('falls as half a cosine, or not at all', () => {
    const cosine = { ...schedule, name: 'cosine' } as const
    expect(learningRate(cosine, 9)).toBeCloseTo(0.5, 12)
    expect(learningRate(cosine, 6)).toBeCloseTo(0.5 * (1 + Math.cos(0.2 * Math.PI)), 12)
    expect(learningRate({ ...schedule, name: 'constant' }, 13)).toBe(1)
    // the second of two stages is the first again, in its own steps
    const two = { ...schedule, steps: 2 * schedule.steps - 1, restart: schedule.steps }
    const rates = (from: number, steps: number) =>
      Array.from({ length: steps }, (_, step) => learningRate(two, from + step))
    expect(rates(0, schedule.steps)).toEqual(
      Array.from({ length: schedule.steps }, (_, step) => learningRate(schedule, step)),
    )
    const shorter = { ...schedule, steps: schedule.steps - 1 }
    expect(rates(schedule.steps, shorter.steps)).toEqual(
      Array.from({ length: shorter.steps }, (_, step) => learningRate(shorter, step)),
    )
  })
})

describe('warmupSteps', () => {
  it('takes a share of the run or a number of steps', () => {
    expect(warmupSteps(0.06, 100)).toBe(6)
    expect(warmupSteps(0.06, 30)).toBe(2)
    expect(warmupSteps(0, 30)).toBe(0)
    expect(warmupSteps(10, 30)).toBe(10)
  })

  it('refuses a warm-up that never ends, and half a step', () => {
    expect(() => warmupSteps(30, 30)).toThrow('--warmup 30: the run has 30 steps')
    expect(() => warmupSteps(1.5, 30)).toThrow('--warmup 1.5: expected a share')
  })

  it('names the schedules', () => {
    expect(scheduleNamed('cosine')).toBe('cosine')
    expect(() => scheduleNamed('cosin')).toThrow(
      '--schedule cosin is not known; known are linear, cosine, constant.',
    )
  })
})
