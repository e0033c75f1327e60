import { expect, it } from 'vitest'
import { diagonal, type Matrix, matrix, product, scaleColumns, turned } from './matrix.ts'
import { normalFrom, randomFrom } from './random.ts'
import { svd } from './svd.ts'

const filled = (rows: number, columns: number, at: (row: number, column: number) => number) =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, (_, i) =>
      at(Math.floor(i / columns), i % columns),
    ),
  )
const farthest = (a: Matrix, b: Matrix): number =>
  Math.max(...Array.from(a.values, (value, i) => Math.abs(value - b.values[i]!)))
const unit = (size: number) => filled(size, size, (row, column) => Number(row === column))

/** Eigenvalues of Hilbert's matrix of order 4, by NumPy (LAPACK). */
const hilbert = [
  1.5002142800592426, 0.16914122022145006, 0.006738273605760613, 9.670230402260876e-5,
]

it("finds the eigenvalues of Hilbert's matrix", () => {
  const { values } = svd(filled(4, 4, (row, column) => 1 / (row + column + 1)))
  expect(values[0]! / values[3]!).toBeCloseTo(15513.74, 2)
  hilbert.forEach((value, i) => {
    expect(Math.abs(values[i]! - value)).toBeLessThan(1e-14)
  })
})

it.each([
  ['tall', 20, 7, 7],
  ['square', 24, 24, 24],
  ['of lower rank', 12, 8, 3],
] as const)('puts a matrix together again: %s', (_, rows, columns, rank) => {
  const normal = normalFrom(randomFrom(3))
  const a = product(filled(rows, rank, normal), filled(rank, columns, normal))
  const { u, values, v } = svd(a)
  expect(farthest(product(scaleColumns(u, values), turned(v)), a)).toBeLessThan(1e-12)
  // columns of zero values are orthonormal, too
  expect(farthest(product(turned(u), u), unit(columns))).toBeLessThan(1e-12)
  expect(farthest(product(turned(v), v), unit(columns))).toBeLessThan(1e-12)
  expect([...values]).toEqual([...values].sort((x, y) => y - x))
  expect(values.filter((value) => value > 1e-12 * values[0]!)).toHaveLength(rank)
})

it('gives an orthogonal U for nothing', () => {
  const { u, values } = svd(matrix(3, 3))
  expect([...values]).toEqual([0, 0, 0])
  expect(diagonal(product(turned(u), u))).toEqual(Float64Array.of(1, 1, 1))
})
