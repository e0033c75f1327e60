/**
 * Codes of weights found by calibration: the texts of a data file run through the model, then GPTQ layer by layer
 * (Frantar et al. 2022, https://arxiv.org/abs/2210.17323).
 */
import { padBatch } from '../data/pad-batch.ts'
import { gptqWeights } from '../fit/gptq-weights.ts'
import { type DataOptions, readMeasuredText } from '../fit/measured-text.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import type { BlockQuantization, BlockWeight } from '../onnx/quantize-blocks.ts'
import type { Progress } from '../report/progress.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'

export interface CalibrationOptions {
  readonly data: DataOptions
  /** Texts that are run; default 128. */
  readonly samples?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

const SAMPLES = 128
const BATCH = 8

/** Codes of every linear layer by GPTQ, by the name of its parameter. */
export async function calibrateCodes(
  model: LoadedModel,
  how: BlockQuantization,
  { data, samples = SAMPLES, signal, progress }: CalibrationOptions,
): Promise<Map<string, BlockWeight>> {
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, undefined)
  const text = await readMeasuredText({ ...data, limit: samples }, model, tokenizer, maxLength, {
    ...(signal && { signal }),
  })
  // alike lengths together: less padding
  const encodings = text.encodings.toSorted((a, b) => a.ids.length - b.ids.length)
  const inputs = model.graph.inputs.map(({ name }) => name)
  const batches = Array.from({ length: Math.ceil(encodings.length / BATCH) }, (_, i) =>
    padBatch(encodings.slice(i * BATCH, (i + 1) * BATCH), { inputs }),
  )
  const step = progress?.step(`Calibrating on ${encodings.length} texts`, batches.length)
  const codes = await gptqWeights(model.graph, batches, {
    how,
    read: tensorReader(nodeFiles).read,
    onBatch: (done) => step?.update(done, 'activations'),
    onLayer: (name, done, of) => step?.update(batches.length, `${name}, ${done} of ${of}`),
    ...(signal && { signal }),
  })
  step?.done(`${codes.size} layers`)
  return codes
}
