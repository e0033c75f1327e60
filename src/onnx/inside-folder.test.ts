import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkInside } from './inside-folder.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'limbeck-inside-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const at = (...parts: string[]): string => join(base, ...parts)
function file(...parts: string[]): string {
  mkdirSync(dirname(at(...parts)), { recursive: true })
  writeFileSync(at(...parts), 'x')
  return at(...parts)
}
function link(target: string, ...parts: string[]): string {
  mkdirSync(dirname(at(...parts)), { recursive: true })
  symlinkSync(target, at(...parts))
  return at(...parts)
}
const check = (path: string, folder: string) => () => checkInside(path, folder, realpathSync)
const out = 'it is a link out of the folder of the model.'

describe('a file of a model folder', () => {
  it('may be a link within the folder, whether that is a link or not', () => {
    file('model/a')
    link('a', 'model/b')
    link(at('model/a'), 'model/c')
    link('model', 'alias')
    for (const folder of ['model', 'alias']) {
      for (const name of ['a', 'b', 'c']) expect(check(at(folder, name), at(folder))).not.toThrow()
    }
  })

  it('may not be a link out of it, also over a folder or another link', () => {
    file('other/secret')
    file('model-2/secret')
    link('../other/secret', 'model/a')
    link('a', 'model/b')
    link('../other', 'model/sub')
    link('../model-2/secret', 'model/longer-name')
    for (const name of ['a', 'b', 'sub/secret', 'longer-name']) {
      expect(check(at('model', name), at('model'))).toThrow(`${at('model', name)}: ${out}`)
    }
  })

  it("may be a blob of its model in the Hub's cache, and of no other", () => {
    file('hub/models--a--b/blobs/1234')
    file('hub/models--a--c/blobs/5678')
    const snapshot = 'hub/models--a--b/snapshots/89ab'
    const good = link('../../blobs/1234', snapshot, 'config.json')
    const deep = link('../../../blobs/1234', snapshot, 'onnx/model.onnx')
    const other = link('../../../models--a--c/blobs/5678', snapshot, 'vocab.txt')
    const outside = link('/etc/hostname', snapshot, 'merges.txt')
    link(at(snapshot), 'alias')
    expect(check(good, at(snapshot))).not.toThrow()
    expect(check(deep, at(snapshot))).not.toThrow()
    expect(check(deep, at(snapshot, 'onnx'))).not.toThrow()
    expect(check(at('alias/config.json'), at('alias'))).not.toThrow()
    expect(check(other, at(snapshot))).toThrow(out)
    expect(check(outside, at(snapshot))).toThrow(/link out|ENOENT/)
    // blobs and snapshots of a folder that is no cache mean nothing
    file('mine/blobs/1')
    expect(check(link('../../blobs/1', 'mine/snapshots/x/a'), at('mine/snapshots/x'))).toThrow(out)
  })
})
