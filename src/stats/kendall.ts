/**
 * Kendall's rank correlation, tau-b: 1 for the same order, -1 for the reverse, pairs tied in one series
 * only between. By Knight's sort and merge, O(n log n) (Knight 1966, JASA 61:436).
 */
import { requirePaired } from './check-samples.ts'

/** Tau-b of two paired series; NaN when one is constant. */
export function kendallTau(x: ArrayLike<number>, y: ArrayLike<number>): number {
  requirePaired('correlation', x, y)
  const n = x.length
  const order = Array.from({ length: n }, (_, i) => i)
  order.sort((a, b) => x[a]! - x[b]! || y[a]! - y[b]!)
  const tiedX = tiedPairs(order, (a, b) => x[a] === x[b])
  const tiedBoth = tiedPairs(order, (a, b) => x[a] === x[b] && y[a] === y[b])
  const values = Float64Array.from(order, (i) => y[i]!)
  // pairs out of order in y; within ties of x there are none, as y is sorted there
  const discordant = sortCounting(values)
  const tiedY = tiedPairs(values, (a, b) => a === b)
  const all = (n * (n - 1)) / 2
  const difference = all - tiedX - tiedY + tiedBoth - 2 * discordant
  return difference / Math.sqrt((all - tiedX) * (all - tiedY))
}

/** Pairs of equal neighbours in a sorted series. */
function tiedPairs(sorted: ArrayLike<number>, equal: (a: number, b: number) => boolean): number {
  let [pairs, run] = [0, 0]
  for (let i = 1; i < sorted.length; i++) {
    run = equal(sorted[i - 1]!, sorted[i]!) ? run + 1 : 0
    pairs += run
  }
  return pairs
}

/** Sorts in place by merging, and counts the pairs that stood in the wrong order. */
function sortCounting(values: Float64Array): number {
  let from: Float64Array = values.slice()
  let to: Float64Array = values
  let swaps = 0
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length)
      const end = Math.min(start + 2 * width, from.length)
      let [left, right] = [start, middle]
      for (let at = start; at < end; at++) {
        const takeRight = right < end && (left >= middle || from[right]! < from[left]!)
        if (takeRight) swaps += middle - left
        to[at] = takeRight ? from[right++]! : from[left++]!
      }
    }
    ;[from, to] = [to, from]
  }
  values.set(from)
  return swaps
}
