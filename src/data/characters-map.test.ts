import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { charactersMap } from './characters-map.ts'

const { kinds } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/sentence-piece.json'), 'utf8'),
) as { kinds: { 'xlm-roberta': { normalizer: { normalizers: Record<string, string>[] } } } }
const base64 = kinds['xlm-roberta'].normalizer.normalizers[0]!.precompiled_charsmap!
const map = charactersMap(base64)!

test('replaces what the map names, and leaves the rest', () => {
  expect(map('ﬁne ½\u3000ＡＢＣ')).toBe('fine 1⁄2 ABC')
  expect(map('plain text, żółw')).toBe('plain text, żółw')
  // a short grapheme is what its shortest known beginning maps to; a long one is taken apart
  expect(map('e\u0301')).toBe('é')
  expect(map('か\u3099')).toBe('か\u3099')
})

test('what is no map is none; a cut or random one neither throws nor hangs', () => {
  for (const bad of ['', '####', 'AAAA', '/////w==']) expect(charactersMap(bad)).toBeUndefined()
  const bytes = Buffer.from(base64, 'base64')
  let seed = 1
  for (let round = 0; round < 2000; round++) {
    const broken = Buffer.from(bytes.subarray(0, 4 + ((round * 37) % bytes.length)))
    for (let i = 0; i < 4; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      broken[seed % broken.length] = seed >>> 24
    }
    const found = charactersMap(broken.toString('base64'))
    if (found) expect(typeof found('ﬁ e\u0301 か\u3099 ㎏')).toBe('string')
  }
})
