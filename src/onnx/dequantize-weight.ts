/**
 * Weights of few bits as the floats that they stand for: `(code − zero) · scale`, computed while they are written.
 *
 * Two layouts: the operator DequantizeLinear's (one scale for the tensor, for each index of an axis, or for each
 * block along it; https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html), and MatMulNBits' packed rows of
 * blocks (ContribOperators.md of ONNX Runtime 1.30). Codes may be packed: `bits` of each, low bits first.
 */
import { bytesOf, dataTypes, elementCount } from '../graph/data-type.ts'
import { type DerivedSource, derive, type ReadTensor, type Tensor } from '../graph/tensor.ts'
import { numbersOf } from './cast-elements.ts'
import { stridesOf } from './permute-elements.ts'

/** How scales lie on codes. */
export interface Dequantization {
  /** Axis of the scales; without meaning where there is one scale. */
  readonly axis?: number | undefined
  /** Codes along the axis that share a scale; 0 (default): one scale for each index. */
  readonly block?: number | undefined
  /** Bits of a code in uint8 bytes: 8 (default), or fewer, packed along the last axis. */
  readonly bits?: number | undefined
  /** Zero point where no tensor gives it. */
  readonly zero?: number | undefined
}

/** The floats of codes, as a lazy tensor of `shape` (default: that of the codes). */
export function dequantizedWeight(
  codes: Tensor,
  scales: Tensor,
  zeros: Tensor | undefined,
  { axis = 0, block = 0, bits = 8, zero = 0 }: Dequantization = {},
  shape: readonly number[] = codes.shape,
): Tensor {
  const inputs = zeros ? [codes, scales, zeros] : [codes, scales]
  return derive('dequantize', inputs, 'float32', shape, { axis, block, bits, zero })
}

const values = (tensor: Tensor, read: ReadTensor): ArrayLike<number> =>
  numbersOf(tensor.dtype, read(tensor), elementCount(tensor.shape))

/** Codes of fewer than 8 bits out of bytes, `width` of them from each row of whole bytes. */
function unpacked(bytes: ArrayLike<number>, bits: number, width: number): Uint8Array {
  const perByte = 8 / bits
  const rowBytes = Math.ceil(width / perByte)
  const rows = bytes.length / rowBytes
  const codes = new Uint8Array(rows * width)
  const mask = 2 ** bits - 1
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) {
      const byte = bytes[row * rowBytes + Math.floor(i / perByte)]!
      codes[row * width + i] = (byte >> ((i % perByte) * bits)) & mask
    }
  }
  return codes
}

/** `dequantize`: the derivation of `dequantizedWeight`. */
export function dequantize({ shape }: Tensor, source: DerivedSource, read: ReadTensor): Uint8Array {
  const [codesOf, scalesOf, zerosOf] = source.inputs as [Tensor, Tensor, Tensor | undefined]
  const { axis, block, bits, zero } = source.settings as unknown as Record<
    keyof Dequantization,
    number
  >
  const packed = (tensor: Tensor, width: number) =>
    bits < 8 && dataTypes[tensor.dtype].bits === 8
      ? unpacked(values(tensor, read), bits, width)
      : values(tensor, read)
  const scales = values(scalesOf, read)
  const codes = packed(codesOf, shape.at(-1) ?? 1)
  const zeros = zerosOf && packed(zerosOf, scalesOf.shape.at(-1) ?? 1)
  const to = new Float32Array(elementCount(shape))
  const at = scaleIndex(shape, scalesOf.shape, axis, block)
  for (let i = 0; i < to.length; i++) {
    const s = at(i)
    to[i] = (codes[i]! - (zeros ? zeros[s]! : zero)) * scales[s]!
  }
  return bytesOf(to)
}

/** Which scale an element has. */
function scaleIndex(
  shape: readonly number[],
  scales: readonly number[],
  axis: number,
  block: number,
): (i: number) => number {
  if (elementCount(scales) === 1) return () => 0
  const inner = stridesOf(shape)[axis]!
  const size = shape[axis]!
  if (block === 0) return (i) => Math.floor(i / inner) % size
  const blocks = scales[axis]!
  return (i) => {
    const along = Math.floor(i / inner) % size
    const outer = Math.floor(i / (inner * size))
    return (outer * blocks + Math.floor(along / block)) * inner + (i % inner)
  }
}

/** What MatMulNBits says of its packed rows. */
export interface PackedRows {
  readonly bits: number
  readonly block: number
}

/** The floats `[rows, columns]` of rows in packed blocks, as a lazy tensor. */
export const dequantizedRows = (
  codes: Tensor,
  scales: Tensor,
  zeros: Tensor | undefined,
  { bits, block }: PackedRows,
  shape: readonly [number, number],
): Tensor => {
  const inputs = zeros ? [codes, scales, zeros] : [codes, scales]
  return derive('dequantizeRows', inputs, 'float32', shape, { bits, block })
}

/** `dequantizeRows`: the derivation of `dequantizedRows`; zero points are packed by row, or floats. */
export function dequantizeRows(tensor: Tensor, source: DerivedSource, read: ReadTensor) {
  const [codesOf, scalesOf, zerosOf] = source.inputs as [Tensor, Tensor, Tensor | undefined]
  const { bits, block } = source.settings as unknown as PackedRows
  const [rows, columns] = tensor.shape as [number, number]
  const blocks = Math.ceil(columns / block)
  const codes = unpacked(values(codesOf, read), bits, block)
  const scales = values(scalesOf, read)
  const given = zerosOf && values(zerosOf, read)
  const zeros = given && zerosOf.dtype === 'uint8' ? unpacked(given, bits, blocks) : given
  const to = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const at = row * blocks + Math.floor(i / block)
      const zero = zeros ? zeros[at]! : 2 ** (bits - 1)
      to[row * columns + i] = (codes[at * block + (i % block)]! - zero) * scales[at]!
    }
  }
  return bytesOf(to)
}
