/**
 * How many tokens of each text stay when a text or pair is longer than the model takes.
 *
 * `longest_first` is that of Hugging Face's fast tokenizers (`tokenizers`, utils/truncation.rs):
 * the shorter text stays whole where it can, else both get half, the longer one the odd token. It
 * differs from the slow tokenizers, which drop tokens one by one from the longer text.
 */
import { LimbeckError } from '../errors.ts'

/** The rows: tokens kept of texts of `first` and `second` tokens when `budget` may stay. */
const strategies = {
  longest_first: (first: number, second: number, budget: number): readonly [number, number] => {
    const swapped = first > second
    let [shorter, longer] = swapped ? [second, first] : [first, second]
    longer = shorter > budget ? shorter : Math.max(shorter, budget - shorter)
    if (shorter + longer > budget) {
      shorter = Math.floor(budget / 2)
      longer = budget - shorter
    }
    return swapped ? [longer, shorter] : [shorter, longer]
  },
  only_first: (_first: number, second: number, budget: number): readonly [number, number] => [
    budget - second,
    second,
  ],
  only_second: (first: number, _second: number, budget: number): readonly [number, number] => [
    first,
    budget - first,
  ],
} as const

/** Hugging Face's names of what is cut first. */
export type TruncationStrategy = keyof typeof strategies

/**
 * Tokens that stay of the first and the second text, at most `budget` together.
 * @param second tokens of the second text; undefined for one text alone.
 * @throws LimbeckError when the text that may be cut is too short to make room.
 */
export function truncatedLengths(
  first: number,
  second: number | undefined,
  budget: number,
  strategy: TruncationStrategy = 'longest_first',
): readonly [number, number] {
  if (first + (second ?? 0) <= budget) return [first, second ?? 0]
  if (second === undefined) return [budget, 0]
  const kept = strategies[strategy](first, second, budget)
  if (kept[0] > 0 && kept[1] > 0) return kept
  // a model sees a pair of two texts or nothing sensible
  if (strategy === 'longest_first') return kept
  throw new LimbeckError(
    'input',
    `cannot cut a pair of ${first} and ${second} tokens to ${budget} by '${strategy}'.`,
    { hint: "Use the strategy 'longest_first' or a larger maximum length." },
  )
}
