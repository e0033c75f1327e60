/** Signed weights bit for bit as ONNX Runtime's dynamic quantizer gives them: a scale a tensor, a column, 7 bits. */
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { readTensors } from '../../test/support/tensors.ts'
import { hostArray } from '../graph/data-type.ts'
import { inlineTensor, type Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { materialize } from './materialize.ts'
import { quantizedWeight, WHOLE_TENSOR } from './quantize-weight.ts'

describeWith(
  fixture('quantization/matmul'),
  'signed weights, against the reference quantizer',
  () => {
    const vectors = readTensors(fixture('quantization/matmul/vectors.safetensors'))
    const { shape, data } = vectors.weight!
    const weight = inlineTensor('float32', shape as [number, number], data as Float32Array)
    const values = (tensor: Tensor) => hostArray(tensor.dtype, materialize(tensor, nodeFiles))

    it.each([
      ['dynamic_s8', WHOLE_TENSOR, 8],
      ['dynamic_s8_per_channel', 1, 8],
      ['dynamic_s8_reduce_range', WHOLE_TENSOR, 7],
    ] as const)('%s', (name, axis, bits) => {
      const { codes, scales } = quantizedWeight(weight, axis, bits)
      expect(values(codes)).toEqual(vectors[`${name}.w_quantized`]!.data)
      expect(values(scales)).toEqual(vectors[`${name}.w_scale`]!.data)
    })
  },
)
