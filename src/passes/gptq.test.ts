/** GPTQ against the paper's algorithm in double precision (fixtures), and against rounding to the nearest. */
import { expect, it } from 'vitest'
import { describeWith, fixture } from '../../test/support/fixtures.ts'
import { readTensors } from '../../test/support/tensors.ts'
import { gptq } from './gptq.ts'

const root = fixture('quantization/gptq')

describeWith(root, 'gptq', () => {
  const vectors = readTensors(`${root}/vectors.safetensors`)
  const [inSize, outSize] = vectors.weight!.shape as [number, number]
  const weight = vectors.weight!.data as Float32Array
  const rows = Float32Array.from(
    { length: outSize * inSize },
    (_, i) => weight[(i % inSize) * outSize + Math.floor(i / inSize)]!,
  )
  const batches = [0, 1, 2, 3].map((i) => vectors[`calibration${i}`]!.data as Float32Array)

  function hessian(): Float64Array {
    const sum = new Float64Array(inSize * inSize)
    for (const batch of batches) {
      for (let t = 0; t < batch.length; t += inSize) {
        for (let i = 0; i < inSize; i++) {
          for (let j = 0; j < inSize; j++) sum[i * inSize + j]! += batch[t + i]! * batch[t + j]!
        }
      }
    }
    return sum
  }

  /** Squared error of the layer's outputs over those of the weight itself. */
  function relativeError(of: (row: number, column: number) => number): number {
    let [error, whole] = [0, 0]
    for (const batch of batches) {
      for (let t = 0; t < batch.length; t += inSize) {
        for (let row = 0; row < outSize; row++) {
          let [exact, found] = [0, 0]
          for (let i = 0; i < inSize; i++) {
            exact += batch[t + i]! * rows[row * inSize + i]!
            found += batch[t + i]! * of(row, i)
          }
          error += (exact - found) ** 2
          whole += exact ** 2
        }
      }
    }
    return error / whole
  }

  it('finds the codes of the paper, and their error', () => {
    const options = { bits: 4, group: 32, symmetric: false } as const
    const { codes, scales, zeroPoints } = gptq(rows, [outSize, inSize], hessian(), options)
    const expected = vectors['gptq4.codes']!.data as Uint8Array
    const same = codes.filter(
      (code, i) => code === expected[(i % inSize) * outSize + Math.floor(i / inSize)],
    )
    expect(same.length / codes.length).toBeGreaterThanOrEqual(0.99)
    const groups = inSize / 32
    const of = (row: number, i: number) => {
      const g = row * groups + Math.floor(i / 32)
      return (codes[row * inSize + i]! - zeroPoints[g]!) * scales[g]!
    }
    const error = relativeError(of)
    expect(Math.abs(error / 0.003559962 - 1)).toBeLessThan(0.02)
  })

  it('says that a Hessian without an inverse has none', () => {
    const nothing = new Float64Array(4).fill(Number.NaN)
    const options = { bits: 4, group: 32, symmetric: true } as const
    expect(() => gptq([1, 2], [1, 2], nothing, options)).toThrow('no usable Hessian')
  })
})
