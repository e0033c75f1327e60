/**
 * A histogram of a stream whose range is known beforehand: symmetric about zero, so that neither memory nor bins
 * depend on the order in which values come.
 */

/** Counts over `[−reach, reach]`. */
export class SymmetricHistogram {
  readonly counts: Float64Array
  private readonly reach: number
  private readonly stride: number

  constructor(bins: number, reach: number) {
    this.counts = new Float64Array(bins)
    this.reach = reach > 0 ? reach : 1
    this.stride = (2 * this.reach) / bins
  }

  /** Counts finite values; what lies outside is counted in the end bins. */
  add(values: ArrayLike<number>): void {
    const { counts, stride, reach } = this
    const last = counts.length - 1
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (!Number.isFinite(value)) continue
      const bin = Math.floor((value + reach) / stride)
      counts[bin < 0 ? 0 : bin > last ? last : bin]!++
    }
  }

  /** Lower edge of a bin; of one past the last, the upper end. */
  edge(bin: number): number {
    return -this.reach + bin * this.stride
  }
}
