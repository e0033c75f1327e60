/** Types of values as the file's messages. */
import { create } from '@bufbuild/protobuf'
import { dataTypes } from '../graph/data-type.ts'
import type { TensorType, Value } from '../graph/graph.ts'
import type { Dim } from '../graph/shape.ts'
import {
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx-ml.ts'

/** A value's name and type; no type when none is known. */
export function encodeValueInfo(name: string, value: Value): ValueInfoProto {
  const info = create(ValueInfoProtoSchema, { name })
  if (value.type) info.type = encodeType(value.type)
  else if (isTypeProto(value.opaqueType)) info.type = value.opaqueType
  return info
}

/** True when something is known of the value that a file can hold. */
export const hasType = (value: Value): boolean =>
  value.type !== undefined || isTypeProto(value.opaqueType)

function encodeType(type: TensorType): TypeProto {
  const { shape } = type
  return create(TypeProtoSchema, {
    value: {
      case: 'tensorType',
      value: {
        elemType: dataTypes[type.dtype].code,
        ...(shape && { shape: { dim: shape.map((dim) => ({ value: encodeDim(dim) })) } }),
      },
    },
  })
}

type EncodedDim =
  | { case: 'dimValue'; value: bigint }
  | { case: 'dimParam'; value: string }
  | { case: undefined }

const encodeDim = (dim: Dim): EncodedDim =>
  dim === null
    ? { case: undefined }
    : typeof dim === 'number'
      ? { case: 'dimValue', value: BigInt(dim) }
      : { case: 'dimParam', value: dim }

const isTypeProto = (value: unknown): value is TypeProto =>
  (value as TypeProto | undefined)?.$typeName === 'onnx.TypeProto'
