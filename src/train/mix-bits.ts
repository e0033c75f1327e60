/**
 * Random bits by counter: the number at any place follows from its key alone, without those before it.
 *
 * The 32-bit finalizer of MurmurHash3 over a Weyl sequence, as SplitMix (Steele et al. 2014) does it.
 */

/** 32 random bits of place `index` in the stream of `key`. */
export function bitsAt(key: number, index: number): number {
  let z = (key + Math.imul(index, 0x9e3779b9)) | 0
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}

/** One key from several numbers. */
export const keyOf = (...parts: readonly number[]): number =>
  parts.reduce((key, part) => bitsAt(key ^ 0x5bd1e995, part), 0)
