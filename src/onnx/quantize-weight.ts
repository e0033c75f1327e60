/**
 * Symmetric signed quantization of a weight: `scale = max|w| / levels` over each index of an axis (or over the
 * tensor), `code = round(w / scale)` to the nearest even, kept within ±levels: 127, or 64 for 7 bits, as ONNX Runtime's
 * quantizer has it (two products of 255 and 64 still fit 16 bits).
 *
 * Scheme: Wu et al. 2020, https://arxiv.org/abs/2004.09602, section 3 (scale quantization). The weight is
 * read in its stored order and turned while its codes are written, so that nothing wider than the codes
 * is ever held.
 */
import { invariant, LimbeckError } from '../errors.ts'
import type { WeightBits } from '../graph/graph.ts'
import type { ReadTensor, Tensor } from '../graph/tensor.ts'
import { derive, tensorSize } from '../graph/tensor.ts'
import type { FileAccess } from './file-access.ts'
import { floatChunks } from './float-chunks.ts'
import { stridesOf } from './permute-elements.ts'

/** Largest code. */
export const weightLevels = (bits: number): number => (bits === 7 ? 64 : 2 ** (bits - 1) - 1)

/** Axis of one scale for the whole tensor. */
export const WHOLE_TENSOR = -1

/**
 * Codes (int8, shape of the weight) and scales (float32, `[shape[axis]]`, a scalar for the whole tensor)
 * of a float weight; both are derived tensors. `name` is what an error calls it.
 */
export function quantizedWeight(
  weight: Tensor,
  axis: number,
  bits: WeightBits,
  name = 'A weight',
): { readonly codes: Tensor; readonly scales: Tensor } {
  invariant(
    Number.isInteger(axis) && axis >= WHOLE_TENSOR && axis < weight.shape.length,
    `axis ${axis} of a weight of [${weight.shape.join(', ')}]`,
  )
  const scaleShape = axis === WHOLE_TENSOR ? [] : [weight.shape[axis]!]
  const settings = { axis, bits, name }
  return {
    codes: derive('quantizeWeight', [weight], 'int8', weight.shape, { ...settings, part: 'codes' }),
    scales: derive('quantizeWeight', [weight], 'float32', scaleShape, {
      ...settings,
      part: 'scales',
    }),
  }
}

/** The weight as it is stored: a transposed matrix is read in the order of its file. */
interface Stored {
  readonly tensor: Tensor
  /** Scales along the stored tensor, and stored elements between neighbours of that axis. */
  readonly channels: number
  readonly inner: number
  readonly turned: boolean
}

function stored(weight: Tensor, axis: number): Stored {
  const { source } = weight
  const turned = source.kind === 'derived' && source.op === 'transpose' && weight.shape.length === 2
  const tensor = turned ? source.inputs[0]! : weight
  if (axis === WHOLE_TENSOR) return { tensor, channels: 1, inner: tensorSize(tensor), turned }
  const storedAxis = turned ? 1 - axis : axis
  const inner = stridesOf(tensor.shape)[storedAxis]!
  return { tensor, channels: tensor.shape[storedAxis]!, inner, turned }
}

// scales are small and asked for twice (as a tensor, and for the codes)
const knownScales = new WeakMap<Tensor, Map<string, Float32Array>>()

/** One scale for each index of `axis`; a column of zeros gets 1. */
export function weightScales(
  weight: Tensor,
  axis: number,
  bits: number,
  read: ReadTensor,
  files: FileAccess | undefined,
  name = 'A weight',
): Float32Array {
  const key = `${axis}/${bits}`
  const known = knownScales.get(weight) ?? new Map<string, Float32Array>()
  let scales = known.get(key)
  if (!scales) {
    const { tensor, channels, inner } = stored(weight, axis)
    const largest = new Float32Array(channels)
    floatChunks(tensor, read, files, (chunk, start) => {
      if (inner === 1) maximaOfColumns(chunk, start, largest)
      else maximaOfRuns(chunk, start, inner, largest)
    })
    const odd = largest.findIndex((value) => !Number.isFinite(value))
    if (odd >= 0) throw notFinite(name, largest[odd]!)
    const levels = weightLevels(bits)
    scales = largest.map((value) => scaleOf(value, levels))
    known.set(key, scales)
    knownScales.set(weight, known)
  }
  return scales
}

function scaleOf(largest: number, levels: number): number {
  // below 2^-126 a scale has no digits left to divide by: such a column is zero
  const scale = Math.fround(largest / levels)
  return scale < 2 ** -126 ? 1 : scale
}

/** What is said of a weight that cannot be quantized. */
export const notFinite = (name: string, value: number): LimbeckError =>
  new LimbeckError(
    'input',
    `${name} holds ${Number.isNaN(value) ? 'NaN' : 'infinity'}: a weight to quantize has to be finite.`,
    { hint: 'Download the model again, or leave the layer alone with --exclude.' },
  )

function maximaOfColumns(chunk: Float32Array, start: number, largest: Float32Array): void {
  const columns = largest.length
  let column = start % columns
  for (let i = 0; i < chunk.length; i++) {
    const value = Math.abs(chunk[i]!)
    // what is not below is above or no number, and stays
    if (!(value <= largest[column]!) && !Number.isNaN(largest[column]!)) largest[column] = value
    if (++column === columns) column = 0
  }
}

function maximaOfRuns(
  chunk: Float32Array,
  start: number,
  inner: number,
  largest: Float32Array,
): void {
  for (let i = 0; i < chunk.length; ) {
    const channel = Math.floor((start + i) / inner) % largest.length
    const end = Math.min(chunk.length, i + inner - ((start + i) % inner))
    let max = largest[channel]!
    for (; i < end; i++) {
      const value = Math.abs(chunk[i]!)
      if (!(value <= max) && !Number.isNaN(max)) max = value
    }
    largest[channel] = max
  }
}

// adding and taking away 1.5 · 2^52 leaves a double rounded to the nearest even integer
const ROUND = 6755399441055744

/** The codes of a weight, in its own (not its stored) order. */
export function weightCodes(
  weight: Tensor,
  axis: number,
  bits: number,
  read: ReadTensor,
  files: FileAccess | undefined,
  name?: string,
): Int8Array {
  const { tensor, inner, turned } = stored(weight, axis)
  const scales = weightScales(weight, axis, bits, read, files, name)
  const codes = new Int8Array(tensorSize(weight))
  const rows = tensor.shape[0] ?? 1
  let scratch = new Int8Array(0)
  floatChunks(tensor, read, files, (chunk, start) => {
    if (!turned) {
      encodeChunk(chunk, start, inner, scales, codes.subarray(start, start + chunk.length))
      return
    }
    if (scratch.length < chunk.length) scratch = new Int8Array(chunk.length)
    encodeChunk(chunk, start, inner, scales, scratch)
    turnChunk(scratch, start, chunk.length, rows, tensor.shape[1] ?? 1, codes)
  })
  return codes
}

function encodeChunk(
  chunk: Float32Array,
  start: number,
  inner: number,
  scales: Float32Array,
  to: Int8Array,
): void {
  for (let i = 0; i < chunk.length; ) {
    // a run of elements with one scale; columns (inner = 1) turn with every element
    let column = Math.floor((start + i) / inner) % scales.length
    const run = inner === 1 ? chunk.length : inner - ((start + i) % inner)
    const end = Math.min(chunk.length, i + run)
    const next = inner === 1 ? 1 : 0
    for (; i < end; i++) {
      // no clamp: |w| ≤ levels · scale up to one rounding, which the rounding to an integer absorbs
      // divided in single precision as QuantizeLinear does: codes are those that a graph would find
      to[i] = Math.fround(chunk[i]! / scales[column]!) + ROUND - ROUND
      column += next
      if (column === scales.length) column = 0
    }
  }
}

/** Writes codes of a [rows, columns] matrix, from flat position `start`, into its transpose. */
function turnChunk(
  from: Int8Array,
  start: number,
  length: number,
  rows: number,
  columns: number,
  to: Int8Array,
): void {
  let i = 0
  while (i < length) {
    const row = Math.floor((start + i) / columns)
    const column = (start + i) % columns
    const whole = column === 0 ? Math.floor((length - i) / columns) : 0
    if (whole === 0) {
      const end = Math.min(length, i + columns - column)
      for (let c = column; i < end; i++, c++) to[c * rows + row] = from[i]!
      continue
    }
    for (let c = 0; c < columns; c++) {
      const at = c * rows + row
      for (let r = 0; r < whole; r++) to[at + r] = from[i + r * columns + c]!
    }
    i += whole * columns
  }
}
