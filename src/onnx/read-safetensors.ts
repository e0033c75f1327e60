/**
 * Reads safetensors checkpoints: a single file, or shards behind `model.safetensors.index.json`.
 *
 * Only headers are read: each tensor is a reference to its place in its file.
 */
import { LimbeckError } from '../errors.ts'
import type { Tensor } from '../graph/tensor.ts'
import { type FileAccess, folderOf, inFolder, staysInside } from './file-access.ts'
import { checkInside } from './inside-folder.ts'
import { parseJson } from './parse-json.ts'
import { headerLength, MAX_HEADER_BYTES, parseHeader } from './safetensors-header.ts'

/** The tensors of a checkpoint by name, in the order of their data, and its metadata. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Reads a `.safetensors` file, or the shards that an `.index.json` names.
 * @throws LimbeckError `file`, naming file and tensor, when something is missing, truncated or lies.
 * @example
 * const { tensors } = readSafetensors('model.safetensors', nodeFiles)
 * tensors.get('bert.pooler.dense.weight') // { dtype: 'float16', shape: [384, 384], source: … }
 */
export function readSafetensors(path: string, files: FileAccess): Checkpoint {
  return path.endsWith('.json') ? readIndex(path, files) : readOne(path, files)
}

function readOne(path: string, files: FileAccess): Checkpoint {
  const size = files.size(path)
  if (size < 8) {
    throw new LimbeckError('file', `${path}: expected a safetensors file, got ${size} bytes.`, {
      hint: 'The file is truncated: download or copy it again.',
    })
  }
  const length = headerLength(path, files.readAt(path, 0, 8), size)
  const start = 8 + length
  const { entries, metadata } = parseHeader(path, files.readAt(path, 8, length), size - start)
  const tensors = new Map<string, Tensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    const source = { kind: 'file', path, offset: start + begin, length: end - begin } as const
    tensors.set(name, { dtype, shape, source })
  }
  return { tensors, metadata }
}

function readIndex(path: string, files: FileAccess): Checkpoint {
  const size = files.size(path)
  if (size > MAX_HEADER_BYTES) {
    throw new LimbeckError(
      'file',
      `${path}: expected an index of at most ${MAX_HEADER_BYTES} bytes, got ${size}.`,
    )
  }
  const weightMap = parseIndex(path, files.readAt(path, 0, size))
  const shards = new Map<string, ReadonlyMap<string, Tensor>>()
  const tensors = new Map<string, Tensor>()
  for (const [name, file] of weightMap) {
    if (!staysInside(file)) {
      throw new LimbeckError(
        'file',
        `${path}: tensor '${name}': expected a file in the same folder, got '${file}'.`,
      )
    }
    let shard = shards.get(file)
    if (!shard) {
      shard = readShard(path, file, files)
      shards.set(file, shard)
    }
    const tensor = shard.get(name)
    if (!tensor) {
      throw new LimbeckError('file', `${path}: tensor '${name}' is not in its shard ${file}.`, {
        hint: 'Index and shards are not of one checkpoint: download them again.',
      })
    }
    tensors.set(name, tensor)
  }
  return { tensors, metadata: new Map() }
}

function readShard(index: string, file: string, files: FileAccess): ReadonlyMap<string, Tensor> {
  const path = inFolder(folderOf(index), file)
  try {
    files.size(path)
  } catch (cause) {
    throw new LimbeckError('file', `${index}: its shard ${file} is missing.`, {
      hint: 'Download or copy every shard into the folder.',
      cause,
    })
  }
  checkInside(path, folderOf(index), files.realpath)
  return readOne(path, files).tensors
}

/** `weight_map` of an index file: tensor name to file name. */
function parseIndex(path: string, json: Uint8Array): [string, string][] {
  let map: unknown
  try {
    const parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(json)) as unknown
    map = (parsed as { weight_map?: unknown } | null)?.weight_map
  } catch (cause) {
    throw new LimbeckError('file', `${path}: it is no JSON (${(cause as Error).message}).`)
  }
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map)
  const entries: [string, unknown][] = isMap ? Object.entries(map as object) : []
  if (!isMap || entries.some(([, file]) => typeof file !== 'string')) {
    throw new LimbeckError('file', `${path}: expected 'weight_map' from tensor to file names.`)
  }
  return entries as [string, string][]
}
