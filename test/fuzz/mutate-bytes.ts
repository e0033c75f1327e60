/** Seeded damage to bytes: the mutations that every format gets, whatever is in it. */
import { type Random, randomFrom } from '../../src/stats/random.ts'

/** A damaged copy of `seed`; `other` is a second valid input to splice with. */
export type Mutate = (seed: Uint8Array, other: Uint8Array, random: Random) => Uint8Array

export const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)]!

const varint = (value: bigint): number[] => {
  const bytes: number[] = []
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128)
  return [...bytes, Number(value)]
}

function little(value: bigint, size: 4 | 8): number[] {
  return Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** Numbers at which sizes, signs and exactness turn over. */
export const numbers = [0n, 1n, 127n, 255n, 65535n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n]
const largest = 2n ** 64n - 1n

/** The same as bytes, in the encodings that binary formats use, and floats that are no numbers. */
export const interesting: readonly (readonly number[])[] = [
  ...[...numbers, 2n ** 63n, largest].flatMap((n) => [varint(n), little(n, 8), little(n, 4)]),
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0, 0, 0xc0, 0x7f],
  [0, 0, 0x80, 0x7f],
]

const join = (...parts: readonly ArrayLike<number>[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export { join as joinBytes }

type Change = (bytes: Uint8Array, other: Uint8Array, at: number, random: Random) => Uint8Array

const changes: readonly Change[] = [
  (bytes, _, at, random) => {
    if (bytes.length > 0) bytes[at]! ^= 1 << random.below(8)
    return bytes
  },
  (bytes, _, at, random) => {
    if (bytes.length > 0) bytes[at] = pick([0, 1, 0x7f, 0x80, 0xff], random)
    return bytes
  },
  // cut out, cut off, repeated
  (bytes, _, at, random) => join(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))),
  (bytes, _, at) => bytes.slice(0, at),
  (bytes, _, at, random) => join(bytes.subarray(0, at + 1 + random.below(64)), bytes.subarray(at)),
  // inserted, written over
  (bytes, _, at, random) =>
    join(bytes.subarray(0, at), pick(interesting, random), bytes.subarray(at)),
  (bytes, _, at, random) => {
    const over = pick(interesting, random)
    return join(bytes.subarray(0, at), over, bytes.subarray(at + over.length))
  },
  (bytes, _, at, random) => {
    const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256))
    return join(bytes.subarray(0, at), noise, bytes.subarray(at))
  },
  (bytes, other, at, random) =>
    join(bytes.subarray(0, at), other.subarray(random.below(other.length + 1))),
]

/** One to four changes in the first `reach` bytes. */
export const mutateBytes =
  (reach = Number.POSITIVE_INFINITY): Mutate =>
  (seed, other, random) => {
    let bytes: Uint8Array = Uint8Array.from(seed)
    for (let left = 1 + random.below(4); left > 0; left--) {
      const at = random.below(Math.max(1, Math.min(reach, bytes.length)))
      bytes = pick(changes, random)(bytes, other, at, random)
    }
    return bytes
  }

/** Bytes near the end, where Parquet describes itself, or anywhere. */
export const mutateEnds: Mutate = (seed, other, random) => {
  const tail = Math.max(0, seed.length - 4096)
  if (tail === 0 || random.below(3) === 0) return mutateBytes()(seed, other, random)
  const end = mutateBytes()(seed.subarray(tail), other, random)
  return join(seed.subarray(0, tail), end)
}

/** Mostly the format's own mutation, else bytes, else one after the other. */
export const mixed =
  (own: Mutate, reach?: number): Mutate =>
  (seed, other, random) => {
    const kind = random.below(8)
    if (kind === 0) return mutateBytes(reach)(seed, other, random)
    const changed = own(seed, other, random)
    return kind === 1 ? mutateBytes(reach)(changed, other, random) : changed
  }

/** The mutation of a number: the same number, the same bytes. */
export const mutationOf = (
  mutate: Mutate,
  seeds: readonly Uint8Array[],
  number: number,
): Uint8Array => {
  const random = randomFrom(number)
  return mutate(pick(seeds, random), pick(seeds, random), random)
}
