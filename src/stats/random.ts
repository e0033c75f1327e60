/**
 * Seeded random numbers: xoshiro128** 1.1 (Blackman and Vigna 2021, ACM TOMS 47:4), its state
 * filled by SplitMix32, so that any seed, 0 included, gives a good state. Same seed, same numbers,
 * everywhere.
 */

/** A stream of random numbers. */
export interface Random {
  /** An integer in [0, 2^32). */
  next(): number
  /** A number in [0, 1) with 32 random bits. */
  uniform(): number
  /** An integer in [0, bound); its bias, below bound / 2^32, is of no concern to resampling. */
  below(bound: number): number
}

const rotateLeft = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** The stream of a seed; of a seed beyond 32 bits the low 32 count. */
export function randomFrom(seed: number): Random {
  const fill = splitMix32(seed)
  return xoshiro128([fill(), fill(), fill(), fill()])
}

/** Numbers as one seed: each is mixed in, so that neighbours have nothing in common. */
export function seedOf(...numbers: readonly number[]): number {
  let seed = 0
  for (const number of numbers) seed = randomFrom((seed ^ (number | 0)) >>> 0).next()
  return seed
}

/** xoshiro128** from a state of four 32-bit words, not all zero. */
export function xoshiro128(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state
  const next = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotateLeft(d, 11)
    return result
  }
  const uniform = () => next() / 2 ** 32
  return { next, uniform, below: (bound) => Math.floor(uniform() * bound) }
}

/** SplitMix with the 32-bit finalizer of MurmurHash3. */
function splitMix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
}

/** Numbers of the standard normal distribution (Box and Muller 1958). */
export function normalFrom(random: Random): () => number {
  let kept: number | undefined
  return () => {
    if (kept !== undefined) {
      const value = kept
      kept = undefined
      return value
    }
    // in (0, 1], whose logarithm is finite
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()))
    const angle = 2 * Math.PI * random.uniform()
    kept = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}
