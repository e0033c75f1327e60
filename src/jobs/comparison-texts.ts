/** Texts that quantized files are compared with their source on, beside random tokens: those of the calibration. */
import type { Encoding } from '../data/tokenizer.ts'
import { calibrationTexts } from '../fit/calibration-batches.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'
import { VERIFIED_TEXTS } from './verify.ts'

/** The first texts of the data, as tokens. */
export async function comparisonTexts(model: LoadedModel, data: DataOptions): Promise<Encoding[]> {
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, undefined)
  const texts: Encoding[] = []
  for await (const text of calibrationTexts(data, model, tokenizer, maxLength, VERIFIED_TEXTS)) {
    texts.push(text)
  }
  return texts
}
