import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeFiles, writeFilesWhole } from './node-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'limbeck-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('nodeFiles', () => {
  it('reads at offsets and resolves links', () => {
    const path = join(folder, 'a')
    writeFileSync(path, '0123456789')
    symlinkSync(path, join(folder, 'b'))
    expect(nodeFiles.size(path)).toBe(10)
    expect(Buffer.from(nodeFiles.readAt(path, 2, 3)).toString()).toBe('234')
    const into = new Uint8Array(2)
    nodeFiles.readInto?.(path, 8, into)
    expect(Buffer.from(into).toString()).toBe('89')
    expect(nodeFiles.realpath?.(join(folder, 'b'))).toBe(nodeFiles.realpath?.(path))
  })

  it('says what is wrong in one sentence', () => {
    const path = join(folder, 'a')
    writeFileSync(path, '0123')
    const short = `${path}: expected at least 6 bytes, got 4.`
    expect(() => nodeFiles.readAt(path, 2, 4)).toThrow(short)
    expect(() => nodeFiles.readInto?.(path, 2, new Uint8Array(4))).toThrow(short)
    expect(() => nodeFiles.size(`${path}b`)).toThrow(`${path}b: there is no such file.`)
    expect(() => nodeFiles.size(folder)).toThrow(`${folder}: it is a folder, expected a file.`)
    // refused before memory is asked for it
    expect(() => nodeFiles.readAt(path, 0, 2 ** 40)).toThrow('expected at least 1099511627776')
  })
})

describe('writeFilesWhole', () => {
  it('writes small and large pieces in order, all files or none', () => {
    const large = new Uint8Array(3 << 20).map((_, i) => i)
    const result = writeFilesWhole(folder, (open) => {
      const [a, b] = [open('a'), open('b')]
      a.write(Uint8Array.of(1, 2))
      a.write(large)
      for (let i = 0; i < 300; i++) b.write(new Uint8Array(5000).fill(i))
      a.write(Uint8Array.of(3))
      expect(readdirSync(folder).sort()).toEqual(['a.tmp', 'b.tmp'])
      return 'done'
    })
    expect(result).toBe('done')
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
    const expected = Buffer.concat([Uint8Array.of(1, 2), large, Uint8Array.of(3)])
    expect(readFileSync(join(folder, 'a')).equals(expected)).toBe(true)
    expect(readFileSync(join(folder, 'b'))[1_499_999]).toBe(299 % 256)
  })

  it('leaves what was there when something fails', () => {
    writeFileSync(join(folder, 'a'), 'old')
    const failing = () =>
      writeFilesWhole(folder, (open) => {
        open('a').write(Uint8Array.of(1))
        throw new Error('no more')
      })
    expect(failing).toThrow('no more')
    expect(readdirSync(folder)).toEqual(['a'])
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old')
    expect(() => writeFilesWhole(join(folder, 'none'), (open) => open('a'))).toThrow(
      `${join(folder, 'none', 'a')}: there is no such file.`,
    )
  })
})
