/**
 * Fewer and narrower heads of attention. The heads that give most are kept; a head is narrowed by the best approximation
 * of its products of queries with keys, and of its values with the output's weight, over the texts that were seen.
 */
import {
  diagonal,
  firstColumns,
  inner,
  type Matrix,
  matrix,
  product,
  rowsAt,
  scaleColumns,
  turned,
} from '../stats/matrix.ts'
import { svd } from '../stats/svd.ts'
import { largest, type Narrowing } from './narrowing.ts'

/** One attention module: weights as stored `[out, in]`, biases, and second moments. */
export interface Attention {
  readonly query: Linear
  readonly key: Linear
  readonly value: Linear
  readonly output: Matrix
  /** Of the states that it reads `[D, D]`, and of what it gives before the output's weight. */
  readonly state: Matrix
  readonly context: Matrix
}

export interface Linear {
  readonly weight: Matrix
  readonly bias: ArrayLike<number>
}

export interface Heads {
  readonly count: number
  readonly width: number
}

export type AttentionNarrowing = Readonly<Record<'query' | 'key' | 'value' | 'context', Narrowing>>

/** @param slice narrows heads by choosing places instead of a basis. */
export function narrowHeads(
  attention: Attention,
  from: Heads,
  to: Heads,
  slice: boolean,
): AttentionNarrowing {
  const placesOf = (head: number) =>
    Array.from({ length: from.width }, (_, i) => head * from.width + i)
  const own = turned(attention.output)
  const given = (at: readonly number[]) => grams(rowsAt(own, at))
  // what a head adds to the state: tr(W·M·Wᵀ)
  const energy = Array.from({ length: from.count }, (_, head) => {
    const at = placesOf(head)
    const seen = turned(rowsAt(turned(rowsAt(attention.context, at)), at))
    return inner(given(at), seen)
  })
  const heads = largest(energy, to.count)
  if (from.width === to.width) {
    const whole = { places: heads.flatMap(placesOf) }
    return { query: whole, key: whole, value: whole, context: whole }
  }
  // scores are divided by √width
  const scale = (to.width / from.width) ** 0.25
  const sides = heads.map((head) => {
    const at = placesOf(head)
    const moments = (linear: Linear) => outputMoments(linear, at, attention.state)
    const narrowed = slice ? slicedProduct : narrowedProduct
    const scores = narrowed(moments(attention.query), moments(attention.key), to.width)
    const values = narrowed(given(at), moments(attention.value), to.width)
    return { at, scores, values }
  })
  const wide = from.count * from.width
  const joined = (factor: number, of: (side: (typeof sides)[number]) => Matrix) => {
    const basis = matrix(wide, to.count * to.width)
    sides.forEach((side, head) => {
      const own = of(side)
      side.at.forEach((place, row) => {
        for (let column = 0; column < to.width; column++) {
          basis.values[place * basis.columns + head * to.width + column] =
            factor * own.values[row * to.width + column]!
        }
      })
    })
    return { basis }
  }
  return {
    query: joined(scale, ({ scores }) => scores.left),
    key: joined(scale, ({ scores }) => scores.right),
    value: joined(1, ({ values }) => values.right),
    context: joined(1, ({ values }) => values.left),
  }
}

const grams = (a: Matrix): Matrix => product(a, turned(a))

/** Second moments of the outputs of a linear layer at these places: W·M·Wᵀ + b·bᵀ. */
function outputMoments({ weight, bias }: Linear, at: readonly number[], state: Matrix): Matrix {
  const own = rowsAt(weight, at)
  const moments = product(product(own, state), turned(own))
  const added = moments.values.map((x, i) => {
    return x + bias[at[Math.floor(i / at.length)]!]! * bias[at[i % at.length]!]!
  })
  return matrix(at.length, at.length, added)
}

/**
 * Bases L, R `[k, rank]` for which `(Lᵀx)·(Rᵀy)` is nearest to `x·y` over independent x and y of these second moments:
 * the singular value decomposition of √Mx·√My. L·Rᵀ is the identity at full rank.
 */
export function narrowedProduct(
  x: Matrix,
  y: Matrix,
  rank: number,
): { left: Matrix; right: Matrix } {
  const [first, second] = [roots(x), roots(y)]
  const { u, values, v } = svd(product(first.root, second.root))
  const scales = values.map(Math.sqrt)
  const half = (inverse: Matrix, vectors: Matrix) =>
    scaleColumns(product(inverse, firstColumns(vectors, rank)), scales)
  return { left: half(first.inverse, u), right: half(second.inverse, v) }
}

function slicedProduct(x: Matrix, y: Matrix, rank: number): { left: Matrix; right: Matrix } {
  const [first, second] = [diagonal(x), diagonal(y)]
  const places = largest(
    first.map((value, i) => value * second[i]!),
    rank,
  )
  const basis = matrix(x.rows, rank)
  places.forEach((place, column) => {
    basis.values[place * rank + column] = 1
  })
  return { left: basis, right: basis }
}

/** Directions that hold less than this share of the largest are taken for it: their inverse is noise. */
const LEAST_SHARE = 1e-10

/** √M and its inverse, of a symmetric positive matrix. */
function roots(moments: Matrix): { root: Matrix; inverse: Matrix } {
  const { u, values } = svd(moments)
  const least = LEAST_SHARE * values[0]!
  const of = (power: number) =>
    product(
      scaleColumns(
        u,
        values.map((value) => Math.max(value, least) ** power),
      ),
      turned(u),
    )
  return { root: of(0.5), inverse: of(-0.5) }
}
