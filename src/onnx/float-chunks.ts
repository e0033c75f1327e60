/**
 * A float tensor as a stream of float32 chunks in storage order, so that a derivation of a large file
 * never holds the widened file. Chains of cast and reshape above a file stream too; anything else is
 * computed whole first.
 */
import { hostArray } from '../graph/data-type.ts'
import type { ReadTensor, Tensor } from '../graph/tensor.ts'
import { tensorSize } from '../graph/tensor.ts'
import { castElements } from './cast-elements.ts'
import type { FileAccess } from './file-access.ts'
import { bfloatToFloat, halfToFloat } from './half-floats.ts'

/** Elements in a chunk: 1 MiB of float32, which stays in the second-level cache. */
export const CHUNK_ELEMENTS = 1 << 18

/** Takes a chunk that holds elements from `start` on; it is reused for the next one. */
export type VisitChunk = (chunk: Float32Array, start: number) => void

const widths = { float32: 4, float16: 2, bfloat16: 2 } as const
type Float = keyof typeof widths
const isFloat = (dtype: string): dtype is Float => dtype in widths

/** Calls `visit` with the values of a tensor as float32. */
export function floatChunks(
  tensor: Tensor,
  read: ReadTensor,
  files: FileAccess | undefined,
  visit: VisitChunk,
): void {
  const origin = unwrapped(tensor)
  const { source, dtype } = origin
  if (source.kind !== 'file' || !files || !isFloat(dtype)) {
    const whole = floatsOf(origin, read(origin))
    for (let start = 0; start < whole.length; start += CHUNK_ELEMENTS) {
      visit(whole.subarray(start, start + CHUNK_ELEMENTS), start)
    }
    return
  }
  const count = tensorSize(origin)
  const width = widths[dtype]
  const raw = new Uint8Array(Math.min(count, CHUNK_ELEMENTS) * width)
  const wide = new Float32Array(dtype === 'float32' ? 0 : Math.min(count, CHUNK_ELEMENTS))
  for (let start = 0; start < count; start += CHUNK_ELEMENTS) {
    const length = Math.min(CHUNK_ELEMENTS, count - start)
    const bytes = raw.subarray(0, length * width)
    readInto(files, source.path, source.offset + start * width, bytes)
    const words = hostArray(dtype, bytes)
    if (words instanceof Float32Array) visit(words, start)
    else {
      const widen = dtype === 'float16' ? halfToFloat : bfloatToFloat
      visit(widen(words as Uint16Array, wide).subarray(0, length), start)
    }
  }
}

/** Fills `into` from a file, without an allocation where the host can. */
export function readInto(files: FileAccess, path: string, offset: number, into: Uint8Array): void {
  if (files.readInto) files.readInto(path, offset, into)
  else into.set(files.readAt(path, offset, into.length))
}

/** The tensor below casts between floats that lose nothing, and reshapes: same values, same order. */
function unwrapped(tensor: Tensor): Tensor {
  let inner = tensor
  for (;;) {
    const { source } = inner
    if (source.kind !== 'derived') return inner
    const below = source.inputs[0]!
    const widening = source.op === 'cast' && inner.dtype === 'float32' && isFloat(below.dtype)
    if (source.op !== 'reshape' && !widening) return inner
    inner = below
  }
}

const floatsOf = (tensor: Tensor, bytes: Uint8Array): Float32Array =>
  hostArray(
    'float32',
    castElements(bytes, tensorSize(tensor), tensor.dtype, 'float32'),
  ) as Float32Array
