/**
 * Conversion between element types: as ONNX's Cast, float to integer truncates toward zero (and wraps),
 * to bool is "not zero", half floats and bfloat16 round to the nearest even.
 */
import { invariant } from '../errors.ts'
import { bytesOf, type DataType, type HostArray, hostArray } from '../graph/data-type.ts'
import {
  bfloatToFloat,
  doubleToOddFloat,
  floatToBfloat,
  floatToHalf,
  halfToFloat,
} from './half-floats.ts'
import { packInt4, unpackInt4, unpackUint4 } from './packed-int4.ts'

type Numbers = Exclude<HostArray, BigInt64Array | BigUint64Array>

/** Types whose stored words are not their values: how to widen them. */
const widen: Partial<Record<DataType, (bytes: Uint8Array, count: number) => HostArray>> = {
  float16: (bytes) => halfToFloat(hostArray('float16', bytes) as Uint16Array),
  bfloat16: (bytes) => bfloatToFloat(hostArray('bfloat16', bytes) as Uint16Array),
  int4: unpackInt4,
  uint4: unpackUint4,
}

const asFloat32 = (values: HostArray): Float32Array =>
  values instanceof Float32Array
    ? values
    : values instanceof Float64Array
      ? doubleToOddFloat(values)
      : doubleToOddFloat(Float64Array.from(values as Numbers, Number))

const integers = (values: HostArray): Float64Array =>
  Float64Array.from(values as Numbers, (value) => Math.trunc(Number(value)) || 0)

/** 64-bit integers, without a way through floats where the source is one already. */
const bigs = (values: HostArray): BigInt64Array =>
  values instanceof BigInt64Array
    ? values
    : values instanceof BigUint64Array
      ? new BigInt64Array(values.buffer, values.byteOffset, values.length)
      : BigInt64Array.from(values, (value) =>
          Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n,
        )

/** How values become the stored words of a type. */
const store: Partial<Record<DataType, (values: HostArray) => HostArray>> = {
  float32: (values) =>
    values instanceof Float64Array ? Float32Array.from(values) : rounded(values),
  float64: (values) => Float64Array.from(values as Numbers, Number),
  float16: (values) => floatToHalf(asFloat32(values)),
  bfloat16: (values) => floatToBfloat(asFloat32(values)),
  int64: bigs,
  uint64: (values) => new BigUint64Array(bigs(values).buffer as ArrayBuffer),
  int32: (values) => Int32Array.from(integers(values)),
  uint32: (values) => Uint32Array.from(integers(values)),
  int16: (values) => Int16Array.from(integers(values)),
  uint16: (values) => Uint16Array.from(integers(values)),
  int8: (values) => Int8Array.from(integers(values)),
  uint8: (values) => Uint8Array.from(integers(values)),
  bool: (values) => Uint8Array.from(values as Numbers, (value) => (Number(value) === 0 ? 0 : 1)),
  int4: (values) => packInt4(Int8Array.from(integers(values))),
  uint4: (values) => packInt4(Uint8Array.from(integers(values))),
}

const rounded = (values: HostArray): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values as Numbers, Number)

/** The bytes of `count` elements of `from` as elements of `to`. */
export function castElements(
  bytes: Uint8Array,
  count: number,
  from: DataType,
  to: DataType,
): Uint8Array {
  if (from === to) return bytes
  const write = store[to]
  invariant(write && (store[from] || widen[from]), `no conversion from ${from} to ${to}`)
  const values = widen[from]?.(bytes, count) ?? hostArray(from, bytes)
  return bytesOf(write(values))
}

/** The elements as numbers (64-bit integers beyond 2^53 lose digits). */
export function numbersOf(dtype: DataType, bytes: Uint8Array, count: number): ArrayLike<number> {
  const values = widen[dtype]?.(bytes, count) ?? hostArray(dtype, bytes)
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? Float64Array.from(values, Number)
    : values
}
