/** Host tensors to ONNX Runtime's and back, without copying their values. */
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { LimbeckError } from '../errors.ts'
import {
  bytesOf,
  type DataType,
  dataTypes,
  type HostTensor,
  hostArray,
} from '../graph/data-type.ts'
import type { Port } from './engine.ts'
import type { Ort } from './ort.ts'

/** Wraps the tensor's memory, which must not change before the run has started. */
export function toOrt(ort: Ort, { dtype, shape, data }: HostTensor): Tensor {
  // ONNX Runtime refuses shared memory
  const own = data.buffer instanceof SharedArrayBuffer ? data.slice() : data
  return new ort.Tensor(dtype as 'float32', own as Float32Array, shape)
}

/** A view of the tensor's memory; half floats become bit patterns where Node has Float16Array. */
export function fromOrt(tensor: Tensor): HostTensor {
  const dtype = tensor.type as DataType
  const data = tensor.data as HostTensor['data']
  return { dtype, shape: tensor.dims, data: hostArray(dtype, bytesOf(data)) }
}

/**
 * The typed ports behind a session's metadata.
 * @throws LimbeckError `input` for sequences, maps, optionals and strings, which engines do not carry.
 */
export function portsOf(
  model: string,
  metadata: readonly InferenceSession.ValueMetadata[],
): readonly Port[] {
  return metadata.map((value) => {
    const type = value.isTensor ? value.type : 'not a tensor'
    if (!value.isTensor || value.type === 'string' || !(value.type in dataTypes)) {
      throw new LimbeckError(
        'input',
        `${model}: '${value.name}' must be a numeric tensor, is ${type}.`,
      )
    }
    return { name: value.name, dtype: value.type as DataType, shape: value.shape }
  })
}
