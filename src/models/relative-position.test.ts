/** Buckets against PyTorch's, on both sides of every border that float32 could move. */
import { expect, it } from 'vitest'
import { debertaBuckets, t5Buckets } from './relative-position.ts'

const far = [
  -300, -128, -91, -64, -23, -16, -11, -8, -7, -1, 0, 1, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45,
  46, 63, 64, 90, 91, 127, 128, 300,
]
const t5 = [
  31, 31, 31, 30, 27, 26, 24, 24, 23, 17, 0, 1, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14,
  14, 15, 15, 15, 15,
]
const farther = [
  -700, -511, -510, -300, -129, -128, -127, -1, 0, 1, 127, 128, 129, 130, 200, 256, 300, 510, 511,
  512, 700,
]
const deberta = [
  0, 1, 1, 49, 127, 128, 129, 255, 256, 257, 383, 384, 385, 386, 425, 448, 463, 511, 511, 511, 511,
]

it('T5: 32 buckets up to 128 tokens', () => {
  expect(far.map(t5Buckets(32, 128).of)).toEqual(t5)
})

it('DeBERTa: 256 logarithmic buckets a side up to 512 tokens', () => {
  expect(farther.map(debertaBuckets(256, 512, true).of)).toEqual(deberta)
})

it('DeBERTa: without buckets a row for each distance', () => {
  const { of, reach } = debertaBuckets(64, 64, false)
  expect([-65, -64, -1, 0, 63, 64].map(of)).toEqual([0, 0, 63, 64, 127, 127])
  expect(reach).toBe(64)
})

it.each([
  t5Buckets(32, 128),
  debertaBuckets(256, 512, true),
  debertaBuckets(8, 40, true),
])('nothing changes beyond the reach', ({ of, reach }) => {
  for (let more = 1; more < 200; more++) {
    expect([of(reach + more), of(-reach - more)]).toEqual([of(reach), of(-reach)])
  }
})
