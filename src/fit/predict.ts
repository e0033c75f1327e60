/**
 * Runs a model over encoded texts as they come and gives each example's rows as soon as they are there:
 * batches sorted by length within a window, the next ones asked for while the model runs. What is held at
 * once is a window and the batches under way, however many texts there are.
 */

import { setImmediate as breath } from 'node:timers/promises'
import { batchByLength, type TextBatch } from '../data/batch-by-length.ts'
import type { Encoding } from '../data/tokenizer.ts'
import { LimbeckError } from '../errors.ts'
import type { Engine } from '../runtime/engine.ts'
import { inFlight } from './in-flight.ts'
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

/** The texts of one example; most have one, a question has one a window. */
export interface RunnableExample {
  readonly texts: readonly Encoding[]
}

/** An example that has run. */
export interface Predicted<E> {
  /** Its place in the input, from 0. */
  readonly index: number
  readonly example: E
  /** The rows of each of its texts. */
  readonly rows: readonly Float32Array[][]
}

/** Batches asked for at once: enough for the time in which a window is read and sorted. */
const BATCHES_AHEAD = 6

/** Texts after which the engine's process is heard, while a window is read. */
const TEXTS_A_BREATH = 128

/** One text of an example, and where its rows go. */
interface Piece<E> {
  readonly predicted: Predicted<E> & { readonly rows: Float32Array[][] }
  readonly slot: number
}

/**
 * Runs examples; they come out as they are done, which within a window is not their order. Same input,
 * same options: same batches, so the same results.
 */
export async function* predictExamples<E extends RunnableExample>(
  engine: Engine,
  examples: AsyncIterable<E> | Iterable<E>,
  options: PredictOptions,
): AsyncGenerator<Predicted<E>> {
  const { reader, batchSize, padId, signal, onProgress } = options
  const available = engine.outputs.map((port) => port.name)
  const outputs = wantedOutputs(reader, available)
  const inputs = engine.inputs.map((port) => port.name)
  const run = async (batch: TextBatch<Piece<E>>) => {
    if (signal?.aborted) throw new LimbeckError('cancelled', 'cancelled.')
    const answer = await engine.run(batch.feeds, { outputs, ...(signal && { signal }) })
    return { batch, tensors: outputs.map((name) => answer[name]!) }
  }
  const encodingOf = ({ predicted, slot }: Piece<E>) => predicted.example.texts[slot]!
  const batches = batchByLength(piecesOf(examples), encodingOf, { batchSize, padId, inputs })
  let done = 0
  const missing = new Map<Predicted<E>, number>()
  for await (const { batch, tensors } of inFlight(batches, run, BATCHES_AHEAD)) {
    for (const [i, { predicted, slot }] of batch.items.entries()) {
      predicted.rows[slot] = reader.rows(tensors, i, batch.lengths[i]!)
      const left = (missing.get(predicted) ?? predicted.rows.length) - 1
      if (left > 0) missing.set(predicted, left)
      else {
        missing.delete(predicted)
        yield predicted
      }
    }
    done += batch.items.length
    onProgress?.(done)
  }
}

async function* piecesOf<E extends RunnableExample>(
  examples: AsyncIterable<E> | Iterable<E>,
): AsyncGenerator<Piece<E>> {
  let [index, texts] = [0, 0]
  for await (const example of examples) {
    const rows = new Array<Float32Array[]>(example.texts.length)
    const predicted = { index: index++, example, rows }
    for (const slot of example.texts.keys()) {
      yield { predicted, slot }
      if (++texts % TEXTS_A_BREATH === 0) await breath()
    }
  }
}

/** Rows of every encoding, in input order. */
export async function predict(
  engine: Engine,
  encodings: readonly Encoding[],
  options: PredictOptions,
): Promise<Float32Array[][]> {
  const rows = new Array<Float32Array[]>(encodings.length)
  const examples = encodings.map((encoding) => ({ texts: [encoding] }))
  for await (const { index, rows: own } of predictExamples(engine, examples, options)) {
    rows[index] = own[0]!
  }
  return rows
}
