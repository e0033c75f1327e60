/** Dense matrices, row-major: as much algebra as making students needs. */

export interface Matrix {
  readonly rows: number
  readonly columns: number
  /** Row after row. */
  readonly values: Float32Array | Float64Array
}

/** A matrix of zeros, or of these values. */
export const matrix = (
  rows: number,
  columns: number,
  values: Matrix['values'] = new Float64Array(rows * columns),
): Matrix => ({ rows, columns, values })

/** A·B */
export function product(a: Matrix, b: Matrix): Matrix {
  const { columns } = b
  const out = new Float64Array(a.rows * columns)
  for (let row = 0; row < a.rows; row++) {
    const sum = out.subarray(row * columns, (row + 1) * columns)
    for (let k = 0; k < a.columns; k++) {
      const factor = a.values[row * a.columns + k]!
      if (factor === 0) continue
      const from = k * columns
      for (let j = 0; j < columns; j++) sum[j]! += factor * b.values[from + j]!
    }
  }
  return matrix(a.rows, columns, out)
}

/** Aᵀ */
export function turned(a: Matrix): Matrix {
  const out = new Float64Array(a.values.length)
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < a.columns; column++) {
      out[column * a.rows + row] = a.values[row * a.columns + column]!
    }
  }
  return matrix(a.columns, a.rows, out)
}

/** The rows at these places, in this order. */
export function rowsAt(a: Matrix, places: readonly number[]): Matrix {
  const { columns } = a
  const out = new Float64Array(places.length * columns)
  places.forEach((place, row) => {
    out.set(a.values.subarray(place * columns, (place + 1) * columns), row * columns)
  })
  return matrix(places.length, columns, out)
}

/** The first columns. */
export const firstColumns = (a: Matrix, count: number): Matrix =>
  turned(
    rowsAt(
      turned(a),
      Array.from({ length: count }, (_, i) => i),
    ),
  )

/** Elements of the diagonal. */
export const diagonal = (a: Matrix): Float64Array =>
  Float64Array.from({ length: a.rows }, (_, i) => a.values[i * a.columns + i]!)

/** Sum of the diagonal. */
export const trace = (a: Matrix): number => diagonal(a).reduce((sum, value) => sum + value, 0)

/** Each column times its factor. */
export function scaleColumns(a: Matrix, factors: ArrayLike<number>): Matrix {
  const values = Float64Array.from(a.values, (value, i) => value * factors[i % a.columns]!)
  return matrix(a.rows, a.columns, values)
}

/** tr(AᵀB): the sum of the products of elements. */
export function inner(a: Matrix, b: Matrix): number {
  let sum = 0
  for (let i = 0; i < a.values.length; i++) sum += a.values[i]! * b.values[i]!
  return sum
}
