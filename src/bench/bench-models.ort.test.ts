import { expect, it } from 'vitest'
import { describeWith } from '../../test/support/fixtures.ts'
import { hardware } from '../runtime/index.ts'
import { tinyBert } from '../runtime/testing/tiny-bert.ts'
import { benchModels } from './bench-models.ts'
import { measureMemory } from './measure-memory.ts'

const quick = { warmup: 1, minRounds: 3, maxRounds: 3 }

describeWith(tinyBert, 'benchModels', () => {
  it('measures every shape and thread count against the rival, and marks what is oversubscribed', async () => {
    const fractions: number[] = []
    const over = hardware().allottedCores + 1
    const rows = await benchModels(
      [
        { name: 'source', path: tinyBert, options: { optimization: 'disabled' } },
        { name: 'ours', path: tinyBert },
      ],
      {
        ...quick,
        shapes: '1x8,4x16',
        threads: [1, over],
        vs: 'source',
        onProgress: ({ fraction }) => fractions.push(fraction),
      },
    )
    expect(
      rows.map(({ shape, threads, oversubscribed }) => [shape.batch, threads, oversubscribed]),
    ).toEqual([
      [1, 1, false],
      [4, 1, false],
      [1, over, true],
      [4, over, true],
    ])
    expect(fractions.at(-1)).toBe(1)
    const [source, ours] = rows[1]!.entries
    expect(source!.vsRival).toBeUndefined()
    expect(ours!.vsRival!.speedup).toBeGreaterThan(0.5)
    expect(ours!.rounds).toHaveLength(3)
    expect(ours!.n).toBe(ours!.rounds.flat().length)
    expect(ours!.p50Interval.low).toBeLessThanOrEqual(ours!.p50)
    expect(ours!.tokensPerSecond).toBeCloseTo(64_000 / ours!.p50, 6)
    expect(ours!.memory.peak).toBeGreaterThan(ours!.memory.baseline)
  })

  it('refuses names that are unknown or given twice', async () => {
    const model = { name: 'a', path: tinyBert }
    await expect(benchModels([model, model])).rejects.toThrow("got 'a' twice.")
    await expect(benchModels([])).rejects.toThrow('got none.')
    await expect(benchModels([model], { vs: 'b' })).rejects.toMatchObject({ code: 'usage' })
  })

  it('says at which shape a model failed', async () => {
    await expect(
      benchModels([{ name: 'a', path: tinyBert }], { ...quick, shapes: '1x4000' }),
    ).rejects.toThrow('(at 1x4000 with 1 thread).')
  })

  it('stops in the middle of a run when cancelled', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 400)
    const bench = benchModels([{ name: 'a', path: tinyBert }], {
      shapes: '512x32',
      signal: stop.signal,
    })
    await expect(bench).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describeWith(tinyBert, 'measureMemory', () => {
  it('counts what the model adds to a process', async () => {
    const small = await measureMemory(tinyBert, { batch: 1, sequence: 8 }, { threads: 1 })
    const large = await measureMemory(tinyBert, { batch: 2048, sequence: 32 }, { threads: 1 })
    expect(small.model).toBe(small.peak - small.baseline)
    expect(large.model).toBeGreaterThan(small.model + 2048 * 32 * 32 * 4)
    expect(Math.abs(large.baseline - small.baseline)).toBeLessThan(10e6)
  })
})
