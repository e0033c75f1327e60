/**
 * Tensors, from the file's messages: raw data by its place, typed fields as bytes, external data by
 * path, each checked against element type and shape.
 */
import { isFieldSet } from '@bufbuild/protobuf'
import { LimbeckError } from '../errors.ts'
import {
  byteLength,
  bytesOf,
  type DataType,
  dataTypeOfCode,
  dataTypes,
  type HostArray,
} from '../graph/data-type.ts'
import type { Tensor, TensorSource } from '../graph/tensor.ts'
import type { ByteSource } from './byte-source.ts'
import { checkExternalPlace, type ExternalFolder } from './external-folder.ts'
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from './generated/onnx-ml.ts'
import { placeOf } from './hollow-model.ts'

/** Where a model's tensors lie. */
export interface TensorContext {
  readonly source: ByteSource
  /** Path of the model file; undefined when it was read from memory. */
  readonly path: string | undefined
  /** Tensors whose message holds their data itself (they come from functions). */
  readonly whole?: ReadonlySet<TensorProto> | undefined
  /** Folder of external data; undefined when there is none. */
  readonly external: ExternalFolder | undefined
}

/** Data up to this many bytes is read at once: shapes, axes, scalars. */
const INLINE_BYTES = 4096

/** The tensor of a message. */
export function decodeTensor(proto: TensorProto, context: TensorContext): Tensor {
  const dtype = dataTypeOfCode(proto.dataType)
  if (!dtype) throw bad(proto, context, `its element type ${proto.dataType} is unknown`)
  const shape = proto.dims.map((dim) => {
    const size = Number(dim)
    if (size < 0 || !Number.isSafeInteger(size)) throw bad(proto, context, `its size ${dim}`)
    return size
  })
  const count = shape.reduce((product, dim) => product * dim, 1)
  if (!Number.isSafeInteger(count)) throw bad(proto, context, `its shape [${shape.join(', ')}]`)
  return { dtype, shape, source: sourceOf(proto, dtype, count, context) }
}

function sourceOf(
  proto: TensorProto,
  dtype: DataType,
  count: number,
  context: TensorContext,
): TensorSource {
  const expected = byteLength(dtype, count)
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    return externalSource(proto, expected, context)
  }
  if (dtype === 'string') {
    checkCount(proto, context, 'strings', count, proto.stringData.length)
    return { kind: 'strings', values: proto.stringData }
  }
  if (isFieldSet(proto, TensorProtoSchema.field.rawData)) {
    return rawSource(proto, expected, context)
  }
  const field = typedFields[dtype]
  if (!field) throw bad(proto, context, `it holds no data for ${dtype}`)
  const { data, values } = field(proto)
  checkCount(proto, context, 'values', values(count), data.length)
  return { kind: 'inline', bytes: bytesOf(data) }
}

function rawSource(proto: TensorProto, expected: number, context: TensorContext): TensorSource {
  if (context.whole?.has(proto)) {
    checkCount(proto, context, 'bytes', expected, proto.rawData.length)
    return { kind: 'inline', bytes: proto.rawData }
  }
  const place = placeOf(proto.rawData)
  if (!place) throw bad(proto, context, 'its raw data has no place')
  checkCount(proto, context, 'bytes', expected, place.length)
  if (context.path !== undefined && expected > INLINE_BYTES) {
    return { kind: 'file', path: context.path, ...place }
  }
  const view = context.source.view(place.offset, place.length)
  return { kind: 'inline', bytes: context.path === undefined ? view : view.slice() }
}

function externalSource(
  proto: TensorProto,
  expected: number,
  context: TensorContext,
): TensorSource {
  const keys = new Map(proto.externalData.map(({ key, value }) => [key, value]))
  const number = (key: string, fallback: number): number => {
    const text = keys.get(key)
    const value = text === undefined ? fallback : Number(text)
    if (Number.isSafeInteger(value) && value >= 0) return value
    throw bad(proto, context, `expected a number of bytes as its ${key}, got '${text}'`)
  }
  const offset = number('offset', 0)
  const length = number('length', expected)
  checkCount(proto, context, 'bytes of external data', expected, length)
  const location = keys.get('location')
  if (location === undefined) throw bad(proto, context, 'its external data has no location')
  if (!context.external) {
    throw bad(proto, context, `its data stands in ${location}, but the model was read from memory`)
  }
  const where = `${context.source.name}: tensor '${proto.name}'`
  const path = checkExternalPlace(context.external, location, offset + length, where)
  return { kind: 'file', path, offset, length }
}

/** The values of a typed field as host data, and how many it takes for a number of elements. */
interface TypedField {
  readonly data: HostArray
  readonly values: (count: number) => number
}

const plain = (count: number): number => count

/** Types of at most 32 bits stand in int32_data, one word a value. */
const words =
  <T extends HostArray>(Type: { from(values: Iterable<number>): T }) =>
  (proto: TensorProto): TypedField => ({ data: Type.from(proto.int32Data), values: plain })

/** Types of less than a byte stand in int32_data too, but packed, one byte a word. */
const packed =
  (dtype: DataType) =>
  (proto: TensorProto): TypedField => ({
    data: Uint8Array.from(proto.int32Data),
    values: (count) => Math.ceil((count * dataTypes[dtype].bits) / 8),
  })

/** Which field holds which type (comments of TensorProto in onnx-ml.proto). */
const typedFields: Readonly<Partial<Record<DataType, (proto: TensorProto) => TypedField>>> = {
  float32: (proto) => ({ data: Float32Array.from(proto.floatData), values: plain }),
  complex64: (proto) => ({ data: Float32Array.from(proto.floatData), values: (n) => 2 * n }),
  float64: (proto) => ({ data: Float64Array.from(proto.doubleData), values: plain }),
  complex128: (proto) => ({ data: Float64Array.from(proto.doubleData), values: (n) => 2 * n }),
  int64: (proto) => ({ data: BigInt64Array.from(proto.int64Data), values: plain }),
  uint64: (proto) => ({ data: BigUint64Array.from(proto.uint64Data), values: plain }),
  uint32: (proto) => ({ data: Uint32Array.from(proto.uint64Data, Number), values: plain }),
  int32: words(Int32Array),
  int16: words(Int16Array),
  int8: words(Int8Array),
  uint16: words(Uint16Array),
  uint8: words(Uint8Array),
  bool: words(Uint8Array),
  float16: words(Uint16Array),
  bfloat16: words(Uint16Array),
  float8e4m3fn: words(Uint8Array),
  float8e4m3fnuz: words(Uint8Array),
  float8e5m2: words(Uint8Array),
  float8e5m2fnuz: words(Uint8Array),
  float8e8m0: words(Uint8Array),
  int4: packed('int4'),
  uint4: packed('uint4'),
  float4e2m1: packed('float4e2m1'),
  int2: packed('int2'),
  uint2: packed('uint2'),
}

function checkCount(
  proto: TensorProto,
  context: TensorContext,
  what: string,
  expected: number,
  got: number,
): void {
  if (got === expected) return
  throw bad(proto, context, `[${proto.dims.join(', ')}]: expected ${expected} ${what}, got ${got}`)
}

const bad = (proto: TensorProto, { source }: TensorContext, what: string): LimbeckError =>
  new LimbeckError('file', `${source.name}: tensor '${proto.name}': ${what}.`, {
    hint: 'It is no intact ONNX model: download or export it again.',
  })
