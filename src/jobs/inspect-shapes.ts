/** Shapes that `inspect` measures at, and sizes of products. */
import { type BenchShape, parseShapes } from '../bench/bench-shape.ts'
import { LimbeckError } from '../errors.ts'

/** Runs under the profiler. */
export const PROFILED_RUNS = 12

/** A shape, not a list of them. */
export function oneShape(text: string): BenchShape {
  const [shape, ...more] = parseShapes(text)
  if (shape && more.length === 0) return shape
  throw new LimbeckError('usage', `--shape ${text}: expected one shape.`)
}

/** Shorter texts, and more of them in a run. */
export const otherShapes = ({ batch, sequence }: BenchShape) => ({
  half: { batch, sequence: Math.max(1, sequence >> 1) },
  larger: { batch: batch === 1 ? 8 : 2 * batch, sequence },
})

/** Each size once. */
export const unique = <T extends readonly number[]>(sizes: readonly T[]): T[] => [
  ...new Map(sizes.map((size) => [size.join('x'), size])).values(),
]
