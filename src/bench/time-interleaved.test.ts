import { expect, it } from 'vitest'
import { timeInterleaved } from './time-interleaved.ts'

/** Candidates that note their turns and report given times. */
function fakes(names: readonly string[]) {
  const turns: string[] = []
  const candidates = names.map((name, i) => ({
    name,
    run: async () => {
      turns.push(name)
      return [i + 1, i + 1]
    },
  }))
  return { turns, candidates }
}

const quick = { warmup: 1, minRounds: 3, maxRounds: 3 }

it('gives every candidate one turn a round and keeps every time but the warm-up', async () => {
  const { turns, candidates } = fakes(['a', 'b', 'c'])
  const timings = await timeInterleaved(candidates, quick)
  expect(turns).toHaveLength(12)
  for (let round = 0; round < 4; round++) {
    expect(turns.slice(round * 3, round * 3 + 3).sort()).toEqual(['a', 'b', 'c'])
  }
  const pairs = (ms: number) => [1, 2, 3].map(() => [ms, ms])
  expect(timings).toEqual([
    { name: 'a', rounds: pairs(1) },
    { name: 'b', rounds: pairs(2) },
    { name: 'c', rounds: pairs(3) },
  ])
})

it('shuffles the order by the seed', async () => {
  const orderOf = async (seed: number) => {
    const { turns, candidates } = fakes(['a', 'b', 'c', 'd'])
    await timeInterleaved(candidates, { ...quick, seed })
    return turns.join('')
  }
  expect(await orderOf(7)).toBe(await orderOf(7))
  expect(await orderOf(7)).not.toBe(await orderOf(8))
})

it('times candidates that do not measure themselves', async () => {
  const run = () => new Promise<void>((resolve) => setTimeout(resolve, 20))
  const [timing] = await timeInterleaved([{ name: 'sleep', run }], quick)
  expect(timing!.rounds).toHaveLength(3)
  for (const [ms] of timing!.rounds) expect(ms).toBeGreaterThan(15)
})

it('goes on until the time is over, but never below the least rounds', async () => {
  const fractions: number[] = []
  const run = () => new Promise<void>((resolve) => setTimeout(resolve, 5))
  const onProgress = ({ fraction }: { fraction: number }) => fractions.push(fraction)
  const one = [{ name: 'a', run }]
  const [brief] = await timeInterleaved(one, { minRounds: 4, maxSeconds: 0, onProgress })
  expect(brief!.rounds).toHaveLength(4)
  expect(fractions.at(-1)).toBe(1)
  expect(fractions).toEqual([...fractions].sort())
  const [longer] = await timeInterleaved(one, { minRounds: 1, maxSeconds: 0.1 })
  expect(longer!.rounds.length).toBeGreaterThan(4)
})

it('stops when cancelled', async () => {
  const stop = new AbortController()
  const { candidates } = fakes(['a'])
  const onProgress = () => stop.abort()
  const timing = timeInterleaved(candidates, { ...quick, signal: stop.signal, onProgress })
  await expect(timing).rejects.toMatchObject({ code: 'cancelled' })
})
