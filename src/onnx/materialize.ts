/**
 * Turns references into bytes: inline as they are, files at their offsets, derived ones by their row of
 * the derivation table. Nothing large is remembered.
 */
import { invariant, LimbeckError } from '../errors.ts'
import { byteLength, bytesOf } from '../graph/data-type.ts'
import type { ReadTensor, Tensor } from '../graph/tensor.ts'
import { tensorSize } from '../graph/tensor.ts'
import { derivations } from './derivations.ts'
import type { ByteSink, FileAccess } from './file-access.ts'
import { floatChunks, readInto } from './float-chunks.ts'

/** Bytes of a tensor, whole or as a stream. */
export interface TensorReader {
  readonly read: ReadTensor
  /** Writes the bytes of the tensor to `sink`, in pieces where that saves memory. */
  readonly stream: (tensor: Tensor, sink: ByteSink) => void
}

/** Bytes the dense tensor occupies. */
export const tensorBytes = (tensor: Tensor): number => byteLength(tensor.dtype, tensorSize(tensor))

/**
 * The bytes of a tensor, dense and little-endian. Without `files` only inline tensors and what derives
 * from them can be read.
 * @throws LimbeckError `file` when its file is missing or ends before it.
 */
export function materialize(tensor: Tensor, files?: FileAccess): Uint8Array {
  const read: ReadTensor = (inner) => materialize(inner, files)
  const { source } = tensor
  if (source.kind === 'inline') return source.bytes
  if (source.kind === 'file') return needed(files, source.path).readAt(...checkedPlace(tensor))
  invariant(source.kind === 'derived', 'strings have no dense bytes')
  const derivation = derivations[source.op]
  invariant(derivation, `no derivation '${source.op}'`)
  const bytes = derivation(tensor, source, read, files)
  invariant(
    bytes.length === tensorBytes(tensor),
    `derivation '${source.op}' gave ${bytes.length} bytes for ${describeTensor(tensor)}`,
  )
  return bytes
}

/** Reads tensors of the given files. */
export function tensorReader(files?: FileAccess): TensorReader {
  const read: ReadTensor = (tensor) => materialize(tensor, files)
  return { read, stream: (tensor, sink) => streamTensor(tensor, read, files, sink) }
}

const PIECE = 1 << 22

function streamTensor(
  tensor: Tensor,
  read: ReadTensor,
  files: FileAccess | undefined,
  sink: ByteSink,
): void {
  const { source } = tensor
  const large = tensorBytes(tensor) > PIECE
  if (large && source.kind === 'file') {
    const [path, offset, length] = checkedPlace(tensor)
    const piece = new Uint8Array(PIECE)
    for (let at = 0; at < length; at += PIECE) {
      const part = piece.subarray(0, Math.min(PIECE, length - at))
      readInto(needed(files, path), path, offset + at, part)
      sink.write(part)
    }
  } else if (large && tensor.dtype === 'float32' && source.kind === 'derived') {
    floatChunks(tensor, read, files, (chunk) => sink.write(bytesOf(chunk)))
  } else {
    sink.write(read(tensor))
  }
}

function checkedPlace(tensor: Tensor): [path: string, offset: number, length: number] {
  const { source } = tensor
  invariant(source.kind === 'file', 'a tensor in a file')
  const expected = tensorBytes(tensor)
  if (source.length !== expected) {
    throw new LimbeckError(
      'file',
      `${source.path}: ${describeTensor(tensor)} at byte ${source.offset}: expected ${expected} bytes, got ${source.length}.`,
    )
  }
  return [source.path, source.offset, source.length]
}

function needed(files: FileAccess | undefined, path: string): FileAccess {
  invariant(files, `${path} is to be read, but no file access was given`)
  return files
}

/** Element type and shape as text: `float32[384, 1536]`. */
export const describeTensor = (tensor: Tensor): string =>
  `${tensor.dtype}[${tensor.shape.join(', ')}]`
