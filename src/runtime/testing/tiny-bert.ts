/**
 * A tiny BERT classifier of the fixtures with its recorded inputs and outputs, for the runtime's tests.
 * Reads just enough of a safetensors file not to need the room that knows bytes.
 */
import { readFileSync } from 'node:fs'
import { fixture } from '../../../test/support/fixtures.ts'
import { type DataType, type HostTensor, hostArray } from '../../graph/data-type.ts'
import type { Feeds } from '../engine.ts'

const folder = fixture('exports', 'bert-sequence-classification')

/** Path of the model: inputs `input_ids`, `attention_mask`, `token_type_ids`, output `logits`. */
export const tinyBert = `${folder}/torchscript.onnx`

const dtypes: Readonly<Record<string, DataType>> = { F32: 'float32', I64: 'int64' }

/** The recorded inputs (`in.input_ids`, ...) and outputs (`out.logits`) by their name in the model. */
export function recorded(): Record<string, HostTensor> {
  const file = readFileSync(`${folder}/io.safetensors`)
  const start = 8 + Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__')
  return Object.fromEntries(
    tensors.map(([name, { dtype, shape, data_offsets }]) => {
      const bytes = file.subarray(start + data_offsets[0], start + data_offsets[1])
      const type = dtypes[dtype]!
      return [
        name.replace(/^(in|out)\./, ''),
        { dtype: type, shape, data: hostArray(type, new Uint8Array(bytes)) },
      ]
    }),
  )
}

/** Feeds of `batch` rows of `sequence` tokens. */
export function tinyFeeds(batch: number, sequence: number): Feeds {
  const shape = [batch, sequence]
  const int64 = (value: bigint): HostTensor => ({
    dtype: 'int64',
    shape,
    data: new BigInt64Array(batch * sequence).fill(value),
  })
  return { input_ids: int64(7n), attention_mask: int64(1n), token_type_ids: int64(0n) }
}
