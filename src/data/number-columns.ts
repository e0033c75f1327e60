/**
 * A few numbers of each of many examples, in columns that grow: what is kept of examples whose texts and
 * answers are let go.
 */
import { LimbeckError } from '../errors.ts'

/** Columns of numbers, a place for each example; places may be filled in any order. */
export class NumberColumns {
  #columns: Float64Array[]
  #filled = 0
  #length = 0

  constructor(width: number) {
    this.#columns = Array.from({ length: width }, () => new Float64Array(256))
  }

  /** Examples: one more than the highest place. */
  get length(): number {
    return this.#length
  }

  /** Fills the place of an example, once. */
  set(index: number, values: readonly number[]): void {
    const room = this.#columns[0]!.length
    if (index >= room) this.#grow(Math.max(index + 1, 2 * room))
    for (const [i, column] of this.#columns.entries()) column[index] = values[i]!
    this.#length = Math.max(this.#length, index + 1)
    this.#filled++
  }

  /**
   * The columns, each as long as there are examples.
   * @throws LimbeckError when a place was left empty.
   */
  all(): readonly Float64Array[] {
    if (this.#filled !== this.#length) {
      throw new LimbeckError(
        'input',
        `metrics: expected an answer to each of ${this.#length} examples, got ${this.#filled}.`,
      )
    }
    return this.#columns.map((column) => column.subarray(0, this.#length))
  }

  #grow(room: number): void {
    this.#columns = this.#columns.map((column) => {
      const larger = new Float64Array(room)
      larger.set(column)
      return larger
    })
  }
}
