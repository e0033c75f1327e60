/**
 * Hands out the names of a file: wanted ones as they are while they are free, else with `_1`, `_2`, …
 */
export class UniqueNames {
  readonly #used = new Set<string>()
  readonly #next = new Map<string, number>()

  /** Keeps a name for one owner; false when it is taken. */
  reserve(name: string): boolean {
    if (this.#used.has(name)) return false
    this.#used.add(name)
    return true
  }

  /** A free name: `wanted`, or `wanted_<n>` with the smallest n not tried before. */
  unique(wanted: string): string {
    if (wanted !== '' && this.reserve(wanted)) return wanted
    const base = wanted || 'value'
    for (let n = this.#next.get(base) ?? 1; ; n++) {
      const name = `${base}_${n}`
      if (this.reserve(name)) {
        this.#next.set(base, n + 1)
        return name
      }
    }
  }
}
