/**
 * Weights in blocks of few bits, as MatMulNBits and GatherBlockQuantized hold them: each run of `block` elements
 * of a row has a scale, and a zero point where the scheme is asymmetric.
 *
 * Round to nearest, as ONNX Runtime's block quantizer does. Symmetric: `scale = w* / −2^(bits−1)` for the element
 * w* of largest size, zero point `2^(bits−1)`. Asymmetric: `scale = (max − min) / (2^bits − 1)` over a range
 * that holds 0, zero point `round(−min / scale)`. Codes are unsigned, packed from the low bits up; a last block
 * that is not full is filled with its zero point.
 */
import { invariant } from '../errors.ts'
import { derive, inlineTensor, type ReadTensor, type Tensor } from '../graph/tensor.ts'
import type { FileAccess } from './file-access.ts'
import { floatChunks } from './float-chunks.ts'
import { notFinite } from './quantize-weight.ts'

/** How a matrix is cut and rounded. */
export interface BlockQuantization {
  readonly bits: 4 | 8
  /** Elements along a row that share a scale: 16, 32, 64, 128 or 256. */
  readonly block: number
  readonly symmetric: boolean
  /** What an error calls the weight. */
  readonly name?: string | undefined
}

/** The parts of a matrix in blocks: codes `[rows, blocks, block·bits/8]`, scales and zero points by row. */
export interface BlockWeight {
  /** uint8, packed. */
  readonly codes: Tensor
  /** float32 `[rows, blocks]`. */
  readonly scales: Tensor
  /** uint8 `[rows, ⌈blocks·bits/8⌉]`, packed; undefined when symmetric. */
  readonly zeroPoints: Tensor | undefined
}

/** Shapes of the parts of a `[rows, columns]` matrix. */
export function blockShapes([rows, columns]: readonly [number, number], how: BlockQuantization) {
  const blocks = Math.ceil(columns / how.block)
  return {
    codes: [rows, blocks, (how.block * how.bits) / 8],
    scales: [rows, blocks],
    zeroPoints: [rows, Math.ceil((blocks * how.bits) / 8)],
  } as const
}

/** The parts of a float matrix, as lazy tensors; `name` is what an error calls it. */
export function blockWeight(
  matrix: Tensor,
  how: BlockQuantization,
  name = 'A weight',
): BlockWeight {
  invariant(matrix.shape.length === 2, `blocks of a tensor of rank ${matrix.shape.length}`)
  const shapes = blockShapes(matrix.shape as [number, number], how)
  const settings = { bits: how.bits, block: how.block, symmetric: how.symmetric, name }
  const part = (name: keyof typeof shapes, dtype: 'uint8' | 'float32') =>
    derive('quantizeBlocks', [matrix], dtype, shapes[name], { ...settings, part: name })
  return {
    codes: part('codes', 'uint8'),
    scales: part('scales', 'float32'),
    zeroPoints: how.symmetric ? undefined : part('zeroPoints', 'uint8'),
  }
}

/** All parts of a matrix, on the host. */
export interface BlockParts {
  readonly codes: Uint8Array
  readonly scales: Float32Array
  readonly zeroPoints: Uint8Array
}

// the parts are asked for one after the other; a tensor that is dropped drops them too
const knownParts = new WeakMap<Tensor, Map<string, BlockParts>>()

/** Computes the parts of a float matrix; once for each way of cutting it. */
export function blockParts(
  matrix: Tensor,
  how: BlockQuantization,
  read: ReadTensor,
  files: FileAccess | undefined,
): BlockParts {
  const key = `${how.bits}/${how.block}/${how.symmetric}`
  const known = knownParts.get(matrix) ?? new Map<string, BlockParts>()
  let parts = known.get(key)
  if (!parts) {
    parts = computeParts(matrix, how, read, files)
    known.set(key, parts)
    knownParts.set(matrix, known)
  }
  return parts
}

function computeParts(
  matrix: Tensor,
  how: BlockQuantization,
  read: ReadTensor,
  files: FileAccess | undefined,
): BlockParts {
  const [rows, columns] = matrix.shape as [number, number]
  const shapes = blockShapes([rows, columns], how)
  const size = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1)
  const parts = {
    codes: new Uint8Array(size(shapes.codes)),
    scales: new Float32Array(size(shapes.scales)),
    zeroPoints: new Uint8Array(size(shapes.zeroPoints)),
  }
  const row = new Float32Array(columns)
  floatChunks(matrix, read, files, (chunk, start) => {
    for (let i = 0; i < chunk.length; ) {
      const at = (start + i) % columns
      const take = Math.min(chunk.length - i, columns - at)
      row.set(chunk.subarray(i, i + take), at)
      i += take
      if (at + take === columns) encodeRow(row, (start + i) / columns - 1, how, parts)
    }
  })
  return parts
}

function encodeRow(row: Float32Array, index: number, how: BlockQuantization, to: BlockParts): void {
  const { bits, block } = how
  const blocks = Math.ceil(row.length / block)
  const codeBytes = (block * bits) / 8
  const zeroBytes = Math.ceil((blocks * bits) / 8)
  for (let b = 0; b < blocks; b++) {
    const values = row.subarray(b * block, Math.min(row.length, (b + 1) * block))
    const { scale, zero } = rangeOf(values, how)
    to.scales[index * blocks + b] = scale
    put(to.zeroPoints, index * zeroBytes, b, bits, zero)
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
    const top = 2 ** bits - 1
    const at = (index * blocks + b) * codeBytes
    for (let i = 0; i < block; i++) {
      const value = i < values.length ? values[i]! : 0
      const code = Math.round(Math.fround(Math.fround(value * inverse) + zero))
      put(to.codes, at, i, bits, Math.max(0, Math.min(top, code)))
    }
  }
}

/** Writes the `i`th value of `bits` after byte `at`, low bits first. */
function put(bytes: Uint8Array, at: number, i: number, bits: 4 | 8, value: number): void {
  if (bits === 8) bytes[at + i] = value
  else bytes[at + (i >> 1)]! |= value << (i & 1 ? 4 : 0)
}

/** Codes found elsewhere, `[rows, columns]` with scales and zero points `[rows, blocks]`, as the kernels hold them. */
export function packBlocks(
  [rows, columns]: readonly [number, number],
  found: {
    readonly codes: ArrayLike<number>
    readonly scales: ArrayLike<number>
    readonly zeroPoints: ArrayLike<number>
  },
  how: BlockQuantization,
): BlockWeight {
  const { bits, block } = how
  const shapes = blockShapes([rows, columns], how)
  const blocks = shapes.scales[1]
  const codes = new Uint8Array(rows * blocks * shapes.codes[2])
  const zeroPoints = new Uint8Array(rows * shapes.zeroPoints[1])
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < blocks; b++) {
      const zero = found.zeroPoints[row * blocks + b]!
      put(zeroPoints, row * shapes.zeroPoints[1], b, bits, zero)
      const at = (row * blocks + b) * shapes.codes[2]
      for (let i = 0; i < block; i++) {
        const column = b * block + i
        put(codes, at, i, bits, column < columns ? found.codes[row * columns + column]! : zero)
      }
    }
  }
  return {
    codes: inlineTensor('uint8', shapes.codes, codes),
    scales: inlineTensor('float32', shapes.scales, Float32Array.from(found.scales)),
    zeroPoints: how.symmetric ? undefined : inlineTensor('uint8', shapes.zeroPoints, zeroPoints),
  }
}

/** Scale and zero point of a block. */
export function rangeOf(
  values: Float32Array,
  { bits, symmetric, name = 'A weight' }: Pick<BlockQuantization, 'bits' | 'symmetric' | 'name'>,
): { readonly scale: number; readonly zero: number } {
  const half = 2 ** (bits - 1)
  const top = 2 * half - 1
  let min = 0
  let max = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value < min) min = value
    else if (value > max) max = value
    else if (Number.isNaN(value)) min = Number.NaN
  }
  if (!Number.isFinite(max - min)) {
    throw notFinite(name, max - min)
  }
  if (symmetric) {
    const largest = first(values, max > -min ? max : min, -min === max ? -min : undefined)
    const scale = Math.fround(largest / -half)
    return { scale, zero: half }
  }
  const scale = Math.fround(Math.fround(max - min) / top)
  const zero = scale === 0 ? 0 : Math.round(Math.fround(-min / scale))
  return { scale, zero: Math.max(0, Math.min(top, zero)) }
}

/** The element of largest size; of two that differ in sign alone, the one that comes first. */
function first(values: Float32Array, largest: number, tie: number | undefined): number {
  if (tie === undefined) return largest
  return values.find((value) => Math.abs(value) === tie) ?? largest
}
