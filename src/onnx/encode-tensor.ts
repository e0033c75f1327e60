/** Tensors as the file's messages: whole, or as the header of data that is written elsewhere. */
import { create } from '@bufbuild/protobuf'
import { dataTypes } from '../graph/data-type.ts'
import type { ReadTensor, Tensor } from '../graph/tensor.ts'
import {
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from './generated/onnx-ml.ts'

/** Where a tensor's data stands outside the model file. */
export interface ExternalPlace {
  readonly location: string
  readonly offset: number
  readonly length: number
}

/** The tensor without its data (strings are kept: they have no other place). */
export function encodeTensorHeader(
  name: string,
  tensor: Tensor,
  external?: ExternalPlace,
): TensorProto {
  const proto = create(TensorProtoSchema, {
    dims: tensor.shape.map((dim) => BigInt(dim)),
    dataType: dataTypes[tensor.dtype].code,
  })
  if (name !== '') proto.name = name
  if (tensor.source.kind === 'strings') proto.stringData = [...tensor.source.values]
  if (external) {
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL
    for (const [key, value] of Object.entries(external)) {
      proto.externalData.push({
        $typeName: 'onnx.StringStringEntryProto',
        key,
        value: `${value}`,
      })
    }
  }
  return proto
}

/** The tensor with its data, for the small ones inside attributes and subgraphs. */
export function encodeTensor(name: string, tensor: Tensor, read: ReadTensor): TensorProto {
  const proto = encodeTensorHeader(name, tensor)
  if (tensor.source.kind !== 'strings') proto.rawData = read(tensor)
  return proto
}
