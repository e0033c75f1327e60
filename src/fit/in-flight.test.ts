import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inFlight } from './in-flight.ts'

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i
}

test('gives results in order and never more under way than asked for', async () => {
  let [under, most] = [0, 0]
  const run = async (i: number): Promise<number> => {
    most = Math.max(most, ++under)
    await sleep((i * 7) % 5)
    under--
    return 10 * i
  }
  const results: number[] = []
  for await (const result of inFlight(numbers(20), run, 3)) results.push(result)
  expect(results).toEqual(Array.from({ length: 20 }, (_, i) => 10 * i))
  expect(most).toBe(3)
})

test('the first failure is the one that is told; the others go unheard', async () => {
  const run = async (i: number): Promise<number> => {
    await sleep(5 - i)
    if (i > 0) throw new Error(`run ${i}`)
    return i
  }
  const seen: number[] = []
  const all = async () => {
    for await (const result of inFlight(numbers(4), run, 4)) seen.push(result)
  }
  await expect(all()).rejects.toThrow('run 1')
  expect(seen).toEqual([0])
})
