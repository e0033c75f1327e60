/**
 * Which sums of a u8×s8 product a CPU without dot product instructions can bend.
 *
 * ONNX Runtime's kernels for AVX2 and for AVX-512 without VNNI multiply by `vpmaddubsw`: the products of two
 * neighbouring inputs, `a[2i]·w[2i] + a[2i+1]·w[2i+1]`, are added in 16 bits and held at ±2¹⁵; only then are the
 * sums of pairs added in 32 bits. Codes of activations are taken as they are, their zero point is made up for
 * afterwards, so whether a pair can overflow is known from its two weights alone.
 */
import type { Graph } from '../graph/graph.ts'
import type { ReadTensor } from '../graph/tensor.ts'
import { type IntegerProduct, integerProducts } from './integer-products.ts'

/** Pairs of inputs, and the column of each, that can leave 16 bits; by column. */
export interface RiskySums {
  /** `i` stands for inputs `2i` and `2i + 1`. */
  readonly pair: Int32Array
  readonly column: Int32Array
}

/**
 * The sums that can: 255 times two weights leaves 16 bits where they add up to more than ±128 (weights of two signs
 * never do).
 * @param codes `[rows, columns]`.
 */
export function riskySums(codes: Int8Array, rows: number, columns: number): RiskySums {
  const found: number[] = []
  const counts = new Int32Array(columns + 1)
  // the last of an odd number of rows has no neighbour, and alone stays within
  for (let row = 0; row + 1 < rows; row += 2) {
    const [first, second] = [row * columns, (row + 1) * columns]
    for (let column = 0; column < columns; column++) {
      const sum = codes[first + column]! + codes[second + column]!
      if (sum <= 128 && sum >= -128) continue
      found.push((row >> 1) * columns + column)
      counts[column + 1]!++
    }
  }
  for (let column = 0; column < columns; column++) counts[column + 1]! += counts[column]!
  const risky = { pair: new Int32Array(found.length), column: new Int32Array(found.length) }
  for (const place of found) {
    const column = place % columns
    const at = counts[column]!++
    risky.pair[at] = (place - column) / columns
    risky.column[at] = column
  }
  return risky
}

/** A layer whose product can saturate. */
export interface RiskyProduct {
  /** Module path, or the weight's name. */
  readonly at: string
  /** Sums of two products that can, and how many there are for one row of inputs. */
  readonly sums: number
  readonly of: number
}

/** What a file's integer products come to on another CPU. */
export interface Portability {
  /** Products of unsigned and signed bytes. */
  readonly products: number
  /** Those that can saturate; none where the file is exact on every CPU. */
  readonly saturating: readonly RiskyProduct[]
  /** Products of which this is not known: convolutions, and signed bytes that the run itself computes. */
  readonly unknown: number
}

/** Products that kernels for u8×s8 take. */
export const mixedProducts = (graph: Graph): IntegerProduct[] =>
  integerProducts(graph).filter(
    ({ leftType, rightType }) => leftType === 'uint8' && rightType === 'int8',
  )

/** Codes of a product's weight. */
export const codesOf = (bytes: Uint8Array): Int8Array =>
  new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Looks at the weights of every u8×s8 product. */
export function portability(graph: Graph, read: ReadTensor): Portability {
  const products = mixedProducts(graph)
  const saturating = products.flatMap(({ at, weight }): RiskyProduct[] => {
    if (!weight) return []
    const [rows, columns] = weight.shape as [number, number]
    const sums = riskySums(codesOf(read(weight)), rows, columns).pair.length
    return sums > 0 ? [{ at, sums, of: Math.ceil(rows / 2) * columns }] : []
  })
  const unknown = products.filter(({ weight }) => !weight).length
  return { products: products.length, saturating, unknown }
}
