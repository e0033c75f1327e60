/**
 * Encodings of different lengths as the int64 tensors a model takes, padded to the longest.
 *
 * Padding stands on the right: the kernels that skip it (`nonpad_kv_seqlen`) rely on that, whatever
 * side a tokenizer_config.json names. A table says what each known input holds.
 */
import type { HostTensor } from '../graph/data-type.ts'
import type { Encoding } from './tokenizer.ts'

/** Tensors by the name of a model's input. */
export type TextFeeds = Readonly<Record<string, HostTensor>>

/** What a batch's tensors hold. */
export interface PadOptions {
  /** Id of padding tokens; 0 by default. */
  readonly padId?: number | undefined
  /** Names of the model's inputs; those not known here are left out. Default: the first three. */
  readonly inputs?: readonly string[] | undefined
  /** Width is rounded up to a multiple of this; 1 by default. */
  readonly multipleOf?: number | undefined
}

type Cells = (encoding: Encoding, padId: number) => { at(index: number): number; pad: number }

/** Values of the known inputs: at a token, and in the padding. */
const inputs: Readonly<Record<string, Cells>> = {
  input_ids: ({ ids }, padId) => ({ at: (i) => ids[i]!, pad: padId }),
  attention_mask: () => ({ at: () => 1, pad: 0 }),
  token_type_ids: ({ typeIds }) => ({ at: (i) => typeIds[i]!, pad: 0 }),
  position_ids: () => ({ at: (i) => i, pad: 0 }),
}

const standardInputs = ['input_ids', 'attention_mask', 'token_type_ids']

/**
 * Feeds of one batch.
 * @returns for each known input of `inputs` an int64 tensor [encodings, width], where width is the
 *   longest encoding's length (at least 1, rounded up to `multipleOf`).
 */
export function padBatch(encodings: readonly Encoding[], options: PadOptions = {}): TextFeeds {
  const { padId = 0, multipleOf = 1 } = options
  const longest = encodings.reduce((most, { ids }) => Math.max(most, ids.length), 1)
  const width = Math.ceil(longest / multipleOf) * multipleOf
  const feeds: Record<string, HostTensor> = {}
  for (const name of options.inputs ?? standardInputs) {
    const cells = inputs[name]
    if (!cells) continue
    const data = new BigInt64Array(encodings.length * width)
    // ids are below 2^31: their low words are all there is to write, ten times faster than BigInt()
    const low = new Int32Array(data.buffer)
    for (const [row, encoding] of encodings.entries()) {
      const { at, pad } = cells(encoding, padId)
      const length = encoding.ids.length
      for (let i = 0; i < width; i++) low[2 * (row * width + i)] = i < length ? at(i) : pad
    }
    feeds[name] = { dtype: 'int64', shape: [encodings.length, width], data }
  }
  return feeds
}
