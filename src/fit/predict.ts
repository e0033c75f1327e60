/**
 * Runs a model over encoded texts, batches sorted by length, and gives each example's rows in order.
 */

import { batchByLength } from '../data/batch-by-length.ts'
import type { Encoding } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { Engine } from '../runtime/engine.ts'
import { type RowReader, wantedOutputs } from './model-rows.ts'

export interface PredictOptions {
  readonly reader: RowReader
  /** Texts that run together. Dynamic quantization makes results depend on it: state it. */
  readonly batchSize: number
  readonly padId: number
  readonly signal?: AbortSignal | undefined
  /** Called after each batch with the texts done so far. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** Rows of every encoding, in input order. */
export async function predict(
  engine: Engine,
  encodings: readonly Encoding[],
  options: PredictOptions,
): Promise<Float32Array[][]> {
  const { reader, batchSize, padId, signal, onProgress } = options
  const outputs = wantedOutputs(
    reader,
    engine.outputs.map((port) => port.name),
  )
  const inputs = engine.inputs.map((port) => port.name)
  const rows = new Array<Float32Array[]>(encodings.length)
  let done = 0
  const batches = batchByLength(encodings, (encoding) => encoding, { batchSize, padId, inputs })
  for await (const batch of batches) {
    if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
    const answer = await engine.run(batch.feeds, { outputs, ...(signal && { signal }) })
    const tensors = outputs.map((name) => answer[name]!)
    batch.indices.forEach((index, i) => {
      rows[index] = reader.rows(tensors, i, batch.lengths[i]!)
    })
    done += batch.indices.length
    onProgress?.(done)
  }
  return rows
}
