/** The job `calibrate` on real weights and text: what it finds, what it keeps, what it refuses. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { calibrate } from '../src/jobs/calibrate.ts'
import { describeWith, realData } from './support/fixtures.ts'
import { scratchFolder } from './support/tensors.ts'

const model = realData('models/minilm-l6-sst2')
const data = { file: realData('text/sst2/dev.tsv') }

describeWith(model, 'calibrate', () => {
  const folder = scratchFolder()
  beforeEach(() => void vi.stubEnv('LIMBECK_CACHE', folder))
  afterEach(() => void vi.unstubAllEnvs())

  it('keeps what it found by its content', async () => {
    const options = { model, data, samples: 4, method: 'min-max' } as const
    const first = await calibrate(options)
    expect(first.samples).toBe(4)
    expect(first.cached).toBeUndefined()
    // six layers of six, the pooler and the classifier
    expect(Object.keys(first.ranges)).toHaveLength(38)
    const again = await calibrate(options)
    expect(existsSync(again.cached!)).toBe(true)
    expect(again.ranges).toEqual(first.ranges)
    const other = await calibrate({ ...options, samples: 3 })
    expect(other.cached).toBeUndefined()
    const anew = await calibrate({ ...options, cache: false })
    expect(anew.cached).toBeUndefined()
    expect(anew.ranges).toEqual(first.ranges)
  })

  it('names what is wrong', async () => {
    const missing = calibrate({ model, data: { file: join(folder, 'none.tsv') } })
    await expect(missing).rejects.toThrow(/none\.tsv: there is no such file/)
    const samples = calibrate({ model, data, samples: 0 })
    await expect(samples).rejects.toThrow('--samples 0: expected a positive integer.')
    const method = calibrate({ model, data, method: 'best' as 'mse' })
    await expect(method).rejects.toThrow(/known are min-max, moving-average/)
  })
})
