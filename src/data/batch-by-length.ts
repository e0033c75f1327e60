/**
 * A stream of examples as padded batches of similar length.
 *
 * Padding costs as much as text, so a window of some batches is sorted by length before it is cut;
 * the window keeps memory flat over files of any size. Batches carry the examples' positions, so
 * that answers return to input order. Same input, same options: same batches.
 */
import { LimbeckError } from '../errors.ts'
import { type PadOptions, padBatch, type TextFeeds } from './pad-batch.ts'
import type { Encoding } from './tokenizer.ts'

/** Examples that run together. */
export interface TextBatch<T> {
  readonly feeds: TextFeeds
  readonly items: readonly T[]
  /** Position of each item in the input, from 0. */
  readonly indices: readonly number[]
  /** Tokens of each item, special tokens included, padding not. */
  readonly lengths: readonly number[]
  /** Items whose text was cut to the maximum length. */
  readonly truncated: number
}

/** How examples are grouped. */
export interface BatchOptions extends PadOptions {
  /** Most examples of a batch. */
  readonly batchSize: number
  /**
   * Most tokens of a batch after padding; unlimited by default. A single longer text runs alone.
   */
  readonly maxTokens?: number | undefined
  /**
   * Batches' worth of examples that are sorted together; 64 by default, 1 keeps input order nearly.
   */
  readonly window?: number | undefined
}

interface Entry<T> {
  readonly index: number
  readonly item: T
  readonly encoding: Encoding
}

/**
 * Encodes and groups examples; longest first within a window, so that a batch that does not fit in
 * memory shows at once.
 * @param encode tokens of one item, for example `({ text }) => tokenizer.encode(text)`.
 * @throws LimbeckError for a batch size, token limit or window that is no positive integer.
 */
export async function* batchByLength<T>(
  items: AsyncIterable<T> | Iterable<T>,
  encode: (item: T) => Encoding,
  options: BatchOptions,
): AsyncGenerator<TextBatch<T>> {
  const { batchSize, maxTokens = Number.POSITIVE_INFINITY, window = 64 } = options
  requirePositive('batch size', batchSize)
  requirePositive('window', window)
  if (maxTokens !== Number.POSITIVE_INFINITY) requirePositive('token limit of a batch', maxTokens)
  let held: Entry<T>[] = []
  let index = 0
  for await (const item of items) {
    held.push({ index: index++, item, encoding: encode(item) })
    if (held.length < window * batchSize) continue
    yield* cut(held, batchSize, maxTokens, options)
    held = []
  }
  yield* cut(held, batchSize, maxTokens, options)
}

function* cut<T>(
  entries: Entry<T>[],
  batchSize: number,
  maxTokens: number,
  options: PadOptions,
): Generator<TextBatch<T>> {
  const length = ({ encoding }: Entry<T>) => encoding.ids.length
  entries.sort((a, b) => length(b) - length(a) || a.index - b.index)
  const multiple = options.multipleOf ?? 1
  for (let start = 0; start < entries.length; ) {
    // the first is the longest, so it alone decides the width
    const width = Math.max(1, Math.ceil(length(entries[start]!) / multiple) * multiple)
    const rows = Math.max(1, Math.min(batchSize, Math.floor(maxTokens / width)))
    const batch = entries.slice(start, start + rows)
    start += rows
    const encodings = batch.map(({ encoding }) => encoding)
    yield {
      feeds: padBatch(encodings, options),
      items: batch.map(({ item }) => item),
      indices: batch.map((entry) => entry.index),
      lengths: batch.map(length),
      truncated: encodings.filter(({ truncated }) => truncated > 0).length,
    }
  }
}

function requirePositive(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return
  throw new LimbeckError('usage', `${name}: expected a positive integer, got ${value}.`)
}
