/**
 * Element types of tensors, in ONNX's spelling, and the typed arrays that hold them on the host.
 *
 * Node 20 has no Float16Array: half floats and bfloat16 travel as `Uint16Array` bit patterns, packed
 * 4-bit integers as bytes, two values each (low nibble first, as ONNX stores them).
 */

/** Element types of ONNX (TensorProto.DataType), each with its code and its size in bits. */
export const dataTypes = {
  float32: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  string: { code: 8, bits: 0 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  float64: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  complex64: { code: 14, bits: 64 },
  complex128: { code: 15, bits: 128 },
  bfloat16: { code: 16, bits: 16 },
  float8e4m3fn: { code: 17, bits: 8 },
  float8e4m3fnuz: { code: 18, bits: 8 },
  float8e5m2: { code: 19, bits: 8 },
  float8e5m2fnuz: { code: 20, bits: 8 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
  float4e2m1: { code: 23, bits: 4 },
  float8e8m0: { code: 24, bits: 8 },
  uint2: { code: 25, bits: 2 },
  int2: { code: 26, bits: 2 },
} as const

/** The name of an element type. */
export type DataType = keyof typeof dataTypes

const byCode = new Map<number, DataType>(
  Object.entries(dataTypes).map(([name, { code }]) => [code, name as DataType]),
)

/** The element type with this TensorProto.DataType code; undefined for 0 and codes we do not know. */
export const dataTypeOfCode = (code: number): DataType | undefined => byCode.get(code)

/** Bytes that `count` elements occupy when stored densely. */
export const byteLength = (dtype: DataType, count: number): number =>
  Math.ceil((count * dataTypes[dtype].bits) / 8)

/** Elements of a tensor of this shape (1 for a scalar). */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, dim) => product * dim, 1)

/** Arrays that hold element values on the host. */
export type HostArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigInt64Array
  | BigUint64Array

/** A dense tensor on the host: row-major `data` of `shape`; what engines take and give. */
export interface HostTensor {
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly data: HostArray
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const

/** Views little-endian bytes as the typed array of `dtype`; copies only when they are not aligned. */
export function hostArray(dtype: DataType, bytes: Uint8Array): HostArray {
  const Type = arrays[dtype as keyof typeof arrays] ?? Uint8Array
  const size = Type.BYTES_PER_ELEMENT
  // not bytes.slice(), which copies nothing where the bytes are a Node Buffer
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size)
}

/** The bytes behind a typed array, without copying. */
export const bytesOf = (data: HostArray): Uint8Array =>
  new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
