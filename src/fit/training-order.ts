/**
 * Which examples make which batch of an epoch: a pure function of their lengths, the seed and the epoch, so
 * that a run taken up again after its process was killed sees the same batches in the same order.
 *
 * Shuffled examples are sorted by length within a window of some batches, since padding costs as much as
 * text; the batches are then shuffled, so that long texts do not come in a row (Hugging Face's
 * `group_by_length` with the same window of 50).
 */
import { LimbeckError } from '../errors.ts'
import { type Random, randomFrom, seedOf } from '../stats/random.ts'

export interface OrderOptions {
  readonly seed: number
  /** Most examples of a batch. */
  readonly batchSize: number
  /** Most tokens of a batch after padding; unlimited by default. A single longer example stands alone. */
  readonly maxTokens?: number | undefined
}

/** Batches' worth of examples that are sorted together. */
const WINDOW = 50

/**
 * The batches of an epoch, as places in `lengths`; each example once.
 * @param lengths tokens of each example, special tokens included.
 */
export function epochBatches(
  lengths: readonly number[],
  epoch: number,
  { seed, batchSize, maxTokens = Number.POSITIVE_INFINITY }: OrderOptions,
): readonly (readonly number[])[] {
  for (const [name, value] of [
    ['--batch', batchSize],
    ['--max-tokens', maxTokens],
  ] as const) {
    if (value > 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)) continue
    throw new LimbeckError('usage', `${name}: expected a positive integer, got ${value}.`)
  }
  const random = randomFrom(seedOf(seed, epoch))
  const places = shuffled(Array.from(lengths.keys()), random)
  const batches: number[][] = []
  const window = WINDOW * batchSize
  for (let start = 0; start < places.length; start += window) {
    const held = places.slice(start, start + window)
    // equal lengths keep their shuffled order: the sort is stable
    held.sort((a, b) => lengths[b]! - lengths[a]!)
    for (let at = 0; at < held.length; ) {
      // the first is the longest, so it alone decides the width
      const rows = Math.floor(maxTokens / Math.max(1, lengths[held[at]!]!))
      const count = Math.max(1, Math.min(batchSize, rows))
      batches.push(held.slice(at, at + count))
      at += count
    }
  }
  return shuffled(batches, random)
}

/** Fisher and Yates. */
function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const item = items[i]!
    items[i] = items[j]!
    items[j] = item
  }
  return items
}
