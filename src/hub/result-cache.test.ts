/** Results by content: what is kept, what is as none. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { cacheFolder, resultCache } from './result-cache.ts'

describe('resultCache', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'limbeck-test-'))
    vi.stubEnv('LIMBECK_CACHE', folder)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true })
  })

  it('gives back what was written for the same content alone', () => {
    resultCache('calibration', { weights: 'a' }).write({ min: -1.5 })
    expect(resultCache('calibration', { weights: 'a' }).read()).toEqual({ min: -1.5 })
    expect(resultCache('calibration', { weights: 'b' }).read()).toBeUndefined()
    expect(resultCache('other', { weights: 'a' }).read()).toBeUndefined()
    expect(readdirSync(join(folder, 'calibration'))).toHaveLength(1)
  })

  it('takes a broken file, or a folder that is none, as nothing known', () => {
    const cache = resultCache('calibration', 1)
    cache.write([1])
    writeFileSync(cache.file, '[1')
    expect(cache.read()).toBeUndefined()
    vi.stubEnv('LIMBECK_CACHE', cache.file)
    const nowhere = resultCache('calibration', 1)
    nowhere.write([1])
    expect(nowhere.read()).toBeUndefined()
  })

  it('lies where the user keeps caches', () => {
    expect(cacheFolder({ LIMBECK_CACHE: '/c' })).toBe('/c')
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/limbeck')
    expect(cacheFolder({})).toMatch(/\.cache.limbeck$/)
  })
})
