/** Values of tensors of any type as floats: half floats are bit patterns on the host, and bits are no values. */
import { bytesOf, type HostTensor } from '../graph/data-type.ts'
import { numbersOf } from '../onnx/cast-elements.ts'

/** The values of a tensor; a float tensor's own memory, without a copy. */
export function floatsOf({ dtype, data }: HostTensor): Float32Array | Float64Array {
  if (data instanceof Float32Array || data instanceof Float64Array) return data
  const values = numbersOf(dtype, bytesOf(data), data.length)
  return values instanceof Float32Array || values instanceof Float64Array
    ? values
    : Float64Array.from(values)
}
