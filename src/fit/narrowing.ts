/**
 * How an axis becomes shorter: some of its places are chosen, or all are mixed by a basis. Bases have the long axis as
 * rows: x becomes `x·basis`.
 */
import { type Matrix, matrix, product, rowsAt, turned } from '../stats/matrix.ts'

export type Narrowing = { readonly places: readonly number[] } | { readonly basis: Matrix }

/** Places of the largest numbers, rising. */
export function largest(numbers: ArrayLike<number>, count: number): number[] {
  const order = Array.from(numbers, (_, i) => i).sort((a, b) => numbers[b]! - numbers[a]! || a - b)
  return order.slice(0, count).sort((a, b) => a - b)
}

/** The basis of a narrowing of `size` places. */
export function basisOf(narrowing: Narrowing, size: number): Matrix {
  if ('basis' in narrowing) return narrowing.basis
  const basis = matrix(size, narrowing.places.length)
  narrowing.places.forEach((place, column) => {
    basis.values[place * basis.columns + column] = 1
  })
  return basis
}

/** A matrix with its rows narrowed. */
export const narrowRows = (a: Matrix, narrowing: Narrowing | undefined): Matrix => {
  if (narrowing === undefined) return a
  if ('places' in narrowing) return rowsAt(a, narrowing.places)
  return product(turned(narrowing.basis), a)
}

/** A matrix with its columns narrowed. */
export const narrowColumns = (a: Matrix, narrowing: Narrowing | undefined): Matrix => {
  if (narrowing === undefined) return a
  if ('places' in narrowing) return turned(rowsAt(turned(a), narrowing.places))
  return product(a, narrowing.basis)
}
