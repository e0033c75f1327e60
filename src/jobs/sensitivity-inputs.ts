/** What sensitivity is measured on: texts of a data file, or inputs made up for an ONNX file alone. */

import { LimbeckError } from '../errors.ts'
import { calibrationBatches } from '../fit/calibration-batches.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import type { Feeds } from '../fit/observe.ts'
import type { BareFile } from './any-model.ts'
import { fileFeeds } from './file-inputs.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'
import { withText } from './quantization-plan.ts'
import { requireFile } from './require-file.ts'

export interface SensitivityInputs {
  readonly batches: readonly Feeds[]
  readonly samples: number
  readonly tokens: number
  readonly madeUp?: string | undefined
}

export interface InputOptions {
  readonly data?: DataOptions | undefined
  readonly samples: number
  readonly maxLength?: number | undefined
}

/** Texts a batch and tokens of each, of what is made up. */
const MADE_UP = { batch: 4, sequence: 32 }
const MADE_UP_BATCHES = 8

/** @throws LimbeckError naming file, line or option for bad input, or where data is missing. */
export async function sensitivityInputs(
  model: LoadedModel | BareFile,
  { data, samples, maxLength }: InputOptions,
): Promise<SensitivityInputs> {
  if (data) {
    requireFile(data.file)
    const known = withText(model)
    const tokenizer = await tokenizerOf(known)
    const tokens = maxLengthOf(known, tokenizer, maxLength)
    return calibrationBatches(data, known, tokenizer, tokens, data.limit ?? samples)
  }
  if (model.dims) {
    throw new LimbeckError('usage', 'Sensitivity is measured on texts, and there are none.', {
      hint: 'Name a file of texts with --data; labels are not needed.',
    })
  }
  const { graph, sizes, why } = model
  const batches = Array.from({ length: MADE_UP_BATCHES }, (_, i) =>
    fileFeeds(graph, MADE_UP, sizes, i + 1),
  )
  const count = MADE_UP_BATCHES * MADE_UP.batch
  return { batches, samples: count, tokens: count * MADE_UP.sequence, madeUp: why }
}
