/**
 * Codes of weights found by calibration: the texts of a data file run through the model, then each layer's weights are
 * rounded for what its inputs were. One row a method.
 */
import { type AwqWeights, awqWeights } from '../fit/awq-weights.ts'
import { calibrationBatches } from '../fit/calibration-batches.ts'
import { type GptqWeightsOptions, gptqWeights } from '../fit/gptq-weights.ts'
import type { DataOptions } from '../fit/measured-text.ts'
import type { Feeds } from '../fit/observe.ts'
import type { Graph } from '../graph/graph.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { tensorReader } from '../onnx/materialize.ts'
import type { BlockQuantization } from '../onnx/quantize-blocks.ts'
import type { Progress } from '../report/progress.ts'
import { type LoadedModel, tokenizerOf } from './load.ts'
import { maxLengthOf } from './model-limits.ts'

export interface CalibrationOptions {
  readonly method: CodeMethod
  readonly data: DataOptions
  /** Texts that are run; default 128. */
  readonly samples?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly progress?: Progress | undefined
}

/** What a method finds: codes by the name of the parameter, and divisions of inputs that go with them. */
export type FoundCodes = Pick<AwqWeights, 'parts'> & Partial<AwqWeights>

type Method = (
  graph: Graph,
  batches: readonly Feeds[],
  options: GptqWeightsOptions,
) => Promise<FoundCodes>

/** Methods that look at texts. */
export const codeMethods = {
  gptq: async (...of) => ({ parts: await gptqWeights(...of) }),
  awq: awqWeights,
  'awq-gptq': (graph, batches, options) =>
    awqWeights(graph, batches, { ...options, rounding: 'gptq' }),
} as const satisfies Record<string, Method>

export type CodeMethod = keyof typeof codeMethods

const SAMPLES = 128

/** Codes of every linear layer. */
export async function calibrateCodes(
  model: LoadedModel,
  how: BlockQuantization,
  { method, data, samples = SAMPLES, signal, progress }: CalibrationOptions,
): Promise<FoundCodes> {
  const tokenizer = await tokenizerOf(model)
  const maxLength = maxLengthOf(model, tokenizer, undefined)
  const text = await calibrationBatches(data, model, tokenizer, maxLength, samples)
  const { length } = text.batches
  const step = progress?.step(`Calibrating on ${text.samples} texts`, length)
  try {
    const found = await codeMethods[method](model.graph, text.batches, {
      how,
      signal,
      read: tensorReader(nodeFiles).read,
      onBatch: (done) => step?.update(done, 'activations'),
      onLayer: (name, done, of) => step?.update(length, `${name}, ${done} of ${of}`),
    })
    step?.done(`${found.parts.size} layers`)
    return found
  } catch (error) {
    step?.fail()
    throw error
  }
}
