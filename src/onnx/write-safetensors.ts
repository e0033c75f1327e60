/**
 * Writes safetensors checkpoints as Hugging Face does: tensors ordered by element size, then name, the
 * header padded so that data begins on 8 bytes; above a size in shards with an index.
 */
import { LimbeckError } from '../errors.ts'
import { byteLength, dataTypes, elementCount } from '../graph/data-type.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { ByteSink } from './file-access.ts'
import { type TensorReader, tensorBytes, tensorReader } from './materialize.ts'
import { safetensorsTypes } from './safetensors-header.ts'

export interface SafetensorsOptions {
  /** Reads the tensors; the default reads what is in memory. */
  readonly reader?: TensorReader
  /** Strings about the file; default `{ format: 'pt' }`, which transformers asks for. */
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * Writes one `.safetensors` file and gives its length in bytes.
 * @throws LimbeckError `usage` for a tensor whose element type the format does not have.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  sink: ByteSink,
  options: SafetensorsOptions = {},
): number {
  const reader = options.reader ?? tensorReader()
  const ordered = safetensorsOrder(tensors)
  const header = safetensorsHeader(ordered, options.metadata)
  sink.write(header)
  let length = header.length
  for (const [, tensor] of ordered) {
    reader.stream(tensor, sink)
    length += tensorBytes(tensor)
  }
  return length
}

/** What a header says of a tensor. */
type Described = Pick<Tensor, 'dtype' | 'shape'>

/** Tensors in the order in which a file holds their data. */
export const safetensorsOrder = <T extends Described>(
  tensors: ReadonlyMap<string, T>,
): (readonly [string, T])[] =>
  [...tensors].sort(
    ([a, x], [b, y]) => dataTypes[y.dtype].bits - dataTypes[x.dtype].bits || (a < b ? -1 : 1),
  )

/**
 * Begin of a file: length, JSON and the spaces that bring the data to a multiple of 8 bytes. The data of
 * the tensors follows, in this order.
 */
export function safetensorsHeader(
  tensors: readonly (readonly [string, Described])[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]]
  let begin = 0
  for (const [name, tensor] of tensors) {
    const dtype = (safetensorsTypes as Partial<Record<string, string>>)[tensor.dtype]
    if (!dtype) {
      throw new LimbeckError(
        'usage',
        `Tensor '${name}': safetensors has no element type ${tensor.dtype}.`,
      )
    }
    const end = begin + byteLength(tensor.dtype, elementCount(tensor.shape))
    entries.push([name, { dtype, shape: tensor.shape, data_offsets: [begin, end] }])
    begin = end
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)))
  const length = Math.ceil(json.length / 8) * 8
  const header = new Uint8Array(8 + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, 8)
  return header
}

/** One file of a checkpoint. */
export interface Shard {
  readonly name: string
  readonly tensors: ReadonlyMap<string, Tensor>
}

/** Largest shard when nothing is said: what transformers writes. */
export const MAX_SHARD_BYTES = 5_000_000_000

/** Cuts a checkpoint into files of at most `maxBytes`, in the order given; a larger tensor stands alone. */
export function shardsOf(
  tensors: ReadonlyMap<string, Tensor>,
  maxBytes: number = MAX_SHARD_BYTES,
): Shard[] {
  const parts: Map<string, Tensor>[] = [new Map()]
  let size = 0
  for (const [name, tensor] of tensors) {
    const bytes = tensorBytes(tensor)
    if (size + bytes > maxBytes && size > 0) {
      parts.push(new Map())
      size = 0
    }
    parts.at(-1)!.set(name, tensor)
    size += bytes
  }
  if (parts.length === 1) return [{ name: 'model.safetensors', tensors: parts[0]! }]
  const number = (n: number): string => `${n}`.padStart(5, '0')
  return parts.map((part, i) => ({
    name: `model-${number(i + 1)}-of-${number(parts.length)}.safetensors`,
    tensors: part,
  }))
}

/** Writes a checkpoint: `model.safetensors`, or shards and `model.safetensors.index.json`. */
export function writeCheckpoint(
  tensors: ReadonlyMap<string, Tensor>,
  open: (name: string) => ByteSink,
  options: SafetensorsOptions & { readonly maxShardBytes?: number } = {},
): void {
  const shards = shardsOf(tensors, options.maxShardBytes)
  for (const shard of shards) writeSafetensors(shard.tensors, open(shard.name), options)
  if (shards.length === 1) return
  const weightMap = shards.flatMap(({ name, tensors: part }) =>
    [...part.keys()].map((tensor) => [tensor, name] as const),
  )
  weightMap.sort(([a], [b]) => (a < b ? -1 : 1))
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensorBytes(tensor), 0)
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(weightMap) }
  const json = `${JSON.stringify(index, null, 2)}\n`
  open('model.safetensors.index.json').write(new TextEncoder().encode(json))
}
