/**
 * Singular values and vectors by one-sided Jacobi rotations (Hestenes 1958; Demmel and Veselić 1992 show that small
 * ones are found to full relative accuracy): columns are turned in pairs until all are orthogonal.
 */
import { type Matrix, matrix, turned } from './matrix.ts'

/** A = U · diag(values) · Vᵀ, values falling. */
export interface Svd {
  /** `[rows, columns]`, orthonormal columns, those of zero values too. */
  readonly u: Matrix
  readonly values: Float64Array
  /** `[columns, columns]`, orthogonal. */
  readonly v: Matrix
}

/** More than any matrix was seen to need. */
const MOST_SWEEPS = 60
const PRECISION = 2 ** -52

/** Decomposes a matrix with at least as many rows as columns. Of a symmetric positive one, U = V. */
export function svd(a: Matrix): Svd {
  const { rows, columns } = a
  // columns as rows: they are read whole
  const own = turned(a).values as Float64Array
  const work = Array.from({ length: columns }, (_, i) => own.subarray(i * rows, (i + 1) * rows))
  const turns = Array.from({ length: columns }, (_, i) => {
    const row = new Float64Array(columns)
    row[i] = 1
    return row
  })
  for (let sweep = 0; sweep < MOST_SWEEPS && turnPairs(work, turns); sweep++);
  const lengths = work.map((column) => Math.sqrt(dot(column, column)))
  const order = [...lengths.keys()].sort((x, y) => lengths[y]! - lengths[x]! || x - y)
  const values = Float64Array.from(order, (i) => lengths[i]!)
  const least = PRECISION * rows * (values[0] ?? 0)
  const left: Float64Array[] = []
  for (const i of order) {
    const length = lengths[i]!
    left.push(length > least ? work[i]!.map((x) => x / length) : besides(left, rows))
  }
  return {
    u: byColumns(left, rows),
    values,
    v: byColumns(
      order.map((i) => turns[i]!),
      columns,
    ),
  }
}

/** Turns each pair of columns once; whether any was not orthogonal. */
function turnPairs(work: readonly Float64Array[], turns: readonly Float64Array[]): boolean {
  const squares = work.map((column) => dot(column, column))
  let turning = false
  for (let p = 0; p < work.length - 1; p++) {
    for (let q = p + 1; q < work.length; q++) {
      const shared = dot(work[p]!, work[q]!)
      const [first, second] = [squares[p]!, squares[q]!]
      if (Math.abs(shared) <= PRECISION * work.length * Math.sqrt(first * second)) continue
      turning = true
      const zeta = (second - first) / (2 * shared)
      const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
      const cosine = 1 / Math.hypot(1, tangent)
      turn(work[p]!, work[q]!, cosine, cosine * tangent)
      turn(turns[p]!, turns[q]!, cosine, cosine * tangent)
      squares[p] = first - tangent * shared
      squares[q] = second + tangent * shared
    }
  }
  return turning
}

function turn(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!]
    x[i] = cosine * a - sine * b
    y[i] = sine * a + cosine * b
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!
  return sum
}

/** A unit vector orthogonal to all of these (Gram and Schmidt, twice over for accuracy). */
function besides(known: readonly Float64Array[], size: number): Float64Array {
  let [best, longest] = [new Float64Array(size), 0]
  for (let axis = 0; axis < size && longest < 0.5; axis++) {
    const vector = new Float64Array(size)
    vector[axis] = 1
    for (const unit of [...known, ...known]) {
      const share = dot(vector, unit)
      for (let i = 0; i < size; i++) vector[i]! -= share * unit[i]!
    }
    const length = Math.sqrt(dot(vector, vector))
    if (length > longest) [best, longest] = [vector.map((x) => x / length), length]
  }
  return best
}

const byColumns = (columns: readonly Float64Array[], rows: number): Matrix => {
  const values = new Float64Array(columns.length * rows)
  columns.forEach((column, i) => {
    values.set(column, i * rows)
  })
  return turned(matrix(columns.length, rows, values))
}
