/** Signed weights bit for bit as ONNX Runtime's dynamic quantizer gives them: a scale a tensor, a column, 7 bits; and fewer. */
import { describe, expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { readTensors } from '../../test/support/tensors.ts'
import { hostArray } from '../graph/data-type.ts'
import { float32Tensor, inlineTensor, type Tensor } from '../graph/tensor.ts'
import { nodeFiles } from '../hub/node-files.ts'
import { materialize } from './materialize.ts'
import { quantizedWeight, WHOLE_TENSOR } from './quantize-weight.ts'

const values = (tensor: Tensor) => hostArray(tensor.dtype, materialize(tensor, nodeFiles))

describe('weights of few bits, in bytes', () => {
  it.each([
    [4, 7],
    [5, 15],
    [6, 31],
  ] as const)('%i bits have codes of ±%i', (bits, levels) => {
    const weight = float32Tensor([1, -0.5, 0.26, 0, -4, 2, 1, 0.3], [2, 4])
    const { codes, scales } = quantizedWeight(weight, 0, bits)
    expect(values(scales)).toEqual(Float32Array.of(1 / levels, 4 / levels))
    const wanted = [1, -0.5, 0.26, 0, -1, 0.5, 0.25, 0.075].map((share) => share * levels)
    const got = values(codes) as Int8Array
    for (const [i, value] of wanted.entries()) {
      expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(0.5)
    }
    expect([got[0], got[4]]).toEqual([levels, -levels])
  })
})

describeWith(
  fixture('quantization/matmul'),
  'signed weights, against the reference quantizer',
  () => {
    const vectors = readTensors(fixture('quantization/matmul/vectors.safetensors'))
    const { shape, data } = vectors.weight!
    const weight = inlineTensor('float32', shape as [number, number], data as Float32Array)
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
