/** Types of values, from the file's messages. */
import { isFieldSet } from '@bufbuild/protobuf'
import { dataTypeOfCode } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { type Dim, symbolDim } from '../graph/shape.ts'
import {
  type TensorShapeProto_Dimension,
  type TypeProto,
  type TypeProto_Tensor,
  TypeProto_TensorSchema,
} from './generated/onnx-ml.ts'

/** What a value knows of its type: a tensor's, or any other as the message it came in. */
export function decodeType(type: TypeProto | undefined): Pick<Value, 'type' | 'opaqueType'> {
  if (!type || type.value.case === undefined) return {}
  if (type.value.case !== 'tensorType') return { opaqueType: type }
  const tensor = type.value.value
  const dtype = dataTypeOfCode(tensor.elemType)
  if (!dtype) return {}
  const shape = shapeOf(tensor)
  return { type: shape ? { dtype, shape } : { dtype } }
}

const shapeOf = (tensor: TypeProto_Tensor): Dim[] | undefined =>
  isFieldSet(tensor, TypeProto_TensorSchema.field.shape) ? tensor.shape?.dim.map(dimOf) : undefined

/** A negative or absent size is unknown: exporters write −1 for it. */
function dimOf({ value }: TensorShapeProto_Dimension): Dim {
  if (value.case === 'dimParam') return symbolDim(value.value)
  if (value.case !== 'dimValue') return null
  const size = Number(value.value)
  return size >= 0 && Number.isSafeInteger(size) ? size : null
}
