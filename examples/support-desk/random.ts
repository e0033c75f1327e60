// A seeded random source: the same seed gives the same data on every machine and Node version.
// Integer arithmetic only (mulberry32), so no platform's floating point can change a byte.

export interface Random {
  /** An integer in [0, n). */
  below(n: number): number
  /** True in `percent` of 100 draws. */
  chance(percent: number): boolean
  pick<T>(list: readonly T[]): T
  shuffle<T>(list: readonly T[]): T[]
}

export function random(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (n: number): number => next() % n
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick(list) {
      if (list.length === 0) throw new RangeError('pick: the list is empty')
      return list[below(list.length)]!
    },
    shuffle(list) {
      const out = [...list]
      for (let i = out.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const held = out[i]!
        out[i] = out[j]!
        out[j] = held
      }
      return out
    },
  }
}
