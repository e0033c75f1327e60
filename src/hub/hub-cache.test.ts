import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  blobPath,
  cacheUse,
  hubOrigin,
  linkBlob,
  readRef,
  repoCache,
  writeRef,
} from './hub-cache.ts'

const refused = vi.hoisted(() => new Set<string>())
vi.mock(import('node:fs'), async (original) => {
  const fs = await original()
  const refusing = <F extends (...args: never[]) => unknown>(name: string, f: F): F =>
    ((...args: never[]) => {
      if (refused.has(name)) throw Object.assign(new Error(name), { code: 'EPERM' })
      return f(...args)
    }) as F
  return {
    ...fs,
    symlinkSync: refusing('symlink', fs.symlinkSync),
    linkSync: refusing('link', fs.linkSync),
  }
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'limbeck-cache-'))
})
afterEach(() => {
  refused.clear()
  rmSync(folder, { recursive: true, force: true })
})

const commit = 'a'.repeat(40)

it.each([
  [['symlink'], 'hard link'],
  [['symlink', 'link'], 'copy'],
])('without %j a file is a %s', (calls, way) => {
  for (const call of calls) refused.add(call)
  const cache = repoCache(folder, 'org/name')
  const blob = blobPath(cache, 'b'.repeat(64))
  mkdirSync(join(blob, '..'), { recursive: true })
  writeFileSync(blob, 'bytes')
  linkBlob(cache, commit, 'onnx/model.onnx', 'b'.repeat(64))
  const file = join(cache.folder, 'snapshots', commit, 'onnx/model.onnx')
  expect(readFileSync(file, 'utf8')).toBe('bytes')
  expect(lstatSync(file).isSymbolicLink()).toBe(false)
  expect(lstatSync(file).nlink).toBe(way === 'copy' ? 1 : 2)
  expect(cacheUse(folder)).toEqual({ models: 1, bytes: 5 })
})

it('keeps refs, those with slashes too', () => {
  const cache = repoCache(folder, 'org/name')
  expect(readRef(cache, 'refs/pr/1')).toBeUndefined()
  writeRef(cache, 'refs/pr/1', commit)
  expect(readRef(cache, 'refs/pr/1')).toBe(commit)
  expect(readRef(cache, 'refs/pr')).toBeUndefined()
  writeFileSync(join(cache.folder, 'refs/bad'), '../../etc')
  expect(readRef(cache, 'bad')).toBeUndefined()
  expect(readRef(cache, commit)).toBe(commit)
})

it('knows where a snapshot came from', () => {
  expect(hubOrigin(`/x/models--org--a-b.c/snapshots/${commit}`)).toEqual({
    id: 'org/a-b.c',
    revision: commit,
  })
  expect(hubOrigin(`/x/models--org--name/blobs/${commit}`)).toBeUndefined()
  expect(hubOrigin('/x/models--org--name/snapshots/main')).toBeUndefined()
})
