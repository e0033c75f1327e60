import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { readLines } from './read-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'limbeck-text-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const linesOf = async (path: string, encoding?: string) => {
  const lines: [number, string][] = []
  for await (const { line, text } of readLines(path, encoding)) lines.push([line, text])
  return lines
}

describe('readLines', () => {
  test('ends lines at LF and CRLF, keeps empty lines, needs no last line end', async () => {
    expect(await linesOf(file('a.txt', 'one\r\n\ntwo\nthree'))).toEqual([
      [1, 'one'],
      [2, ''],
      [3, 'two'],
      [4, 'three'],
    ])
    expect(await linesOf(file('b.txt', ''))).toEqual([])
  })

  test('keeps U+2028 and a lone CR inside a line', async () => {
    expect(await linesOf(file('c.txt', 'a\u2028b\rc\nd\n'))).toEqual([
      [1, 'a\u2028b\rc'],
      [2, 'd'],
    ])
  })

  test('decodes characters that straddle the chunks of the stream, and numbers lines over them', async () => {
    // 3-byte characters in lines of 100 never line up with 64 KiB chunks
    const lines = Array.from({ length: 3000 }, (_, i) => `${i}${'€'.repeat(i % 100)}`)
    const read = await linesOf(file('long.txt', lines.join('\n')))
    expect(read.map(([, text]) => text)).toEqual(lines)
    expect(read.map(([line]) => line)).toEqual(lines.map((_, i) => i + 1))
    const zipped = await linesOf(file('long.txt.gz', gzipSync(lines.join('\n'))))
    expect(zipped).toEqual(read)
  })

  test('a line longer than many chunks is whole', async () => {
    const long = 'x'.repeat(1_000_000)
    expect(await linesOf(file('wide.txt', `${long}\nend`))).toEqual([
      [1, long],
      [2, 'end'],
    ])
  })

  test('drops byte order marks and lets one of UTF-16 decide the encoding', async () => {
    const text = 'Łódź\n\u0a00 \u010a\nend'
    const little = Buffer.from(`\ufeff${text}`, 'utf16le')
    const big = Buffer.from(little).swap16()
    const expected = [
      [1, 'Łódź'],
      [2, '\u0a00 \u010a'],
      [3, 'end'],
    ]
    expect(await linesOf(file('bom8.txt', `\ufeff${text}`))).toEqual(expected)
    expect(await linesOf(file('bom16.txt', little))).toEqual(expected)
    expect(await linesOf(file('bom16be.txt', big))).toEqual(expected)
    expect(await linesOf(file('plain16.txt', little.subarray(2)), 'utf-16le')).toEqual(expected)
  })

  test('latin1 is ISO-8859-1, not windows-1252', async () => {
    const bytes = file('latin.txt', Uint8Array.from([0xe9, 0x80, 10]))
    expect(await linesOf(bytes, 'latin1')).toEqual([[1, 'é\u0080']])
    expect(await linesOf(bytes, 'ISO-8859-1')).toEqual([[1, 'é\u0080']])
    expect(await linesOf(bytes, 'windows-1252')).toEqual([[1, 'é€']])
  })

  test('malformed UTF-8 names its line, also far into the file', async () => {
    const good = Buffer.from('ünïcödé\n'.repeat(20_000))
    const bad = file('bad.txt', Buffer.concat([good, Buffer.from([0x63, 0xe9, 0x63, 10]), good]))
    await expect(linesOf(bad)).rejects.toMatchObject({
      code: 'input',
      message: `${bad}:20001: the bytes of this line are not utf-8.`,
      hint: expect.stringContaining('--encoding latin1'),
    })
  })

  test('a missing file, a folder, a broken gz and an unknown encoding are one sentence each', async () => {
    await expect(linesOf(join(folder, 'no.txt'))).rejects.toThrow(/no\.txt: it does not exist\.$/)
    await expect(linesOf(folder)).rejects.toThrow(/it is a folder/)
    const broken = file('broken.gz', gzipSync('a\nb\n'.repeat(1000)).subarray(0, 20))
    await expect(linesOf(broken)).rejects.toMatchObject({ code: 'file' })
    await expect(linesOf(file('e.txt', 'a'), 'utf-9')).rejects.toMatchObject({ code: 'usage' })
  })
})
