/** The texts that calibration looks at: the first of a data file, in batches of similar length. */
import { batchByLength } from '../data/batch-by-length.ts'
import type { TextFeeds } from '../data/pad-batch.ts'
import type { Encoding, Tokenizer } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { ModelInfo } from '../models/build-model.ts'
import { type DataOptions, openTextStream } from './measured-text.ts'

export interface CalibrationBatches {
  readonly batches: readonly TextFeeds[]
  readonly samples: number
  /** Real tokens, padding left out. */
  readonly tokens: number
}

const BATCH_SIZE = 8

/** Reads `samples` texts. @throws LimbeckError naming file and line for bad input, or when there is no text. */
export async function calibrationBatches(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
  samples: number,
): Promise<CalibrationBatches> {
  const encodings = calibrationTexts(data, model, tokenizer, maxLength, samples)
  const batches: TextFeeds[] = []
  let [found, tokens] = [0, 0]
  const options = { batchSize: BATCH_SIZE, padId: tokenizer.padId }
  for await (const { feeds, lengths } of batchByLength(encodings, (each) => each, options)) {
    batches.push(feeds)
    found += lengths.length
    for (const length of lengths) tokens += length
  }
  return { batches, samples: found, tokens }
}

/** The first `samples` texts of a data file, as tokens. */
export async function* calibrationTexts(
  data: DataOptions,
  model: ModelInfo,
  tokenizer: Tokenizer,
  maxLength: number,
  samples: number,
): AsyncGenerator<Encoding> {
  if (!Number.isInteger(samples) || samples < 1) {
    throw new LimbeckError('usage', `--samples ${samples}: expected a positive integer.`)
  }
  const limit = Math.min(samples, data.limit ?? samples)
  const text = await openTextStream({ ...data, limit }, model, tokenizer, maxLength)
  let left = samples
  for await (const { texts } of text.examples()) {
    for (const encoding of texts) {
      if (left-- <= 0) return
      yield encoding
    }
  }
}
