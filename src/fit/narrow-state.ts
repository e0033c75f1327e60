/**
 * A narrower hidden state: an orthonormal basis `[D, d]` of where a model's states are.
 *
 * Norms stand in the way of any basis: they subtract the mean of the state and have a scale for each place. So the
 * basis holds the direction of the mean, as the student's own mean, beside the principal directions of the rest; and
 * among all bases of that space the one nearest to the axes is taken (orthogonal Procrustes, Schönemann 1966), where a
 * norm's scales still mean what they meant. At full width it is the identity.
 */
import {
  diagonal,
  firstColumns,
  type Matrix,
  matrix,
  product,
  rowsAt,
  trace,
  turned,
} from '../stats/matrix.ts'
import { svd } from '../stats/svd.ts'
import { basisOf, largest, type Narrowing } from './narrowing.ts'

/** @param moments second moments `[D, D]` of hidden states. */
export function principalState(moments: Matrix, width: number): Narrowing {
  const size = moments.rows
  const places = largest(diagonal(moments), width)
  if (width < 2) return { places }
  const space = firstColumns(svd(withoutMean(moments)).u, width - 1)
  const rest = helmert(width)
  const { u, v } = svd(product(turned(rowsAt(space, places)), rest))
  const basis = product(product(space, product(u, turned(v))), turned(rest))
  const mean = 1 / Math.sqrt(size * width)
  return {
    basis: matrix(
      size,
      width,
      basis.values.map((x) => x + mean),
    ),
  }
}

/** The places of most energy. */
export const slicedState = (moments: Matrix, width: number): Narrowing => ({
  places: largest(diagonal(moments), width),
})

/**
 * What a norm's scale is multiplied by: a student's states have share `e` of the energy on `d` of `D` places, and its
 * norm brings them to 1 a place.
 */
export function normFactor(moments: Matrix, narrowing: Narrowing): number {
  const centred = withoutMean(moments)
  const basis = basisOf(narrowing, moments.rows)
  const share = trace(product(turned(basis), product(centred, basis))) / trace(centred)
  return Math.sqrt((share * basis.rows) / basis.columns)
}

/** (I − 11ᵀ/D)·M·(I − 11ᵀ/D) */
function withoutMean({ rows, values }: Matrix): Matrix {
  const sums = new Float64Array(rows)
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / rows)]! += values[i]! / rows
  const all = sums.reduce((sum, value) => sum + value, 0) / rows
  const at = (i: number) => sums[Math.floor(i / rows)]! + sums[i % rows]! - all
  return matrix(
    rows,
    rows,
    Float64Array.from(values, (value, i) => value - at(i)),
  )
}

/** An orthonormal basis `[d, d − 1]` of what is orthogonal to (1, …, 1) (Helmert 1876). */
function helmert(size: number): Matrix {
  const basis = matrix(size, size - 1)
  for (let k = 1; k < size; k++) {
    const length = Math.sqrt(k * (k + 1))
    for (let i = 0; i < k; i++) basis.values[i * (size - 1) + k - 1] = 1 / length
    basis.values[k * (size - 1) + k - 1] = -k / length
  }
  return basis
}
