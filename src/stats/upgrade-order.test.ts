/** Steps come by what they save for a byte, and in the order of their ladder; the fewest that pass are found. */
import { describe, expect, it } from 'vitest'
import { fewest, upgradeOrder } from './upgrade-order.ts'

const step = (loss: number, bytes: number) => ({ loss, bytes })

describe('upgradeOrder', () => {
  it('takes what saves most for a byte first', () => {
    const order = upgradeOrder([
      { name: 'large', steps: [step(8, 10), step(0, 110)] },
      { name: 'small', steps: [step(4, 1), step(0, 11)] },
      { name: 'free', steps: [step(1, 4), step(0.5, 4)] },
      { name: 'worse', steps: [step(1, 4), step(2, 8)] },
    ])
    expect(order.map(({ name }) => name)).toEqual(['free', 'small', 'large', 'worse'])
    expect(order[1]).toEqual({ name: 'small', to: 1, saved: 4, bytes: 10 })
  })

  it('leaves no step out of a ladder', () => {
    const order = upgradeOrder([
      { name: 'a', steps: [step(9, 1), step(8.9, 2), step(0, 3)] },
      { name: 'b', steps: [step(5, 1), step(4, 2)] },
    ])
    expect(order.map(({ name, to }) => `${name}${to}`)).toEqual(['b1', 'a1', 'a2'])
  })
})

describe('fewest', () => {
  it.each([1, 2, 3, 5, 7, 12, 13])('finds %d', async (answer) => {
    const tried: number[] = []
    const passes = async (count: number) => {
      tried.push(count)
      return count >= answer
    }
    expect(await fewest(13, passes)).toBe(answer)
    expect(new Set(tried).size).toBe(tried.length)
    expect(tried.length).toBeLessThanOrEqual(9)
  })

  it('says that none is', async () => {
    expect(await fewest(13, async () => false)).toBeUndefined()
    expect(await fewest(0, async () => false)).toBeUndefined()
  })
})
