/** What the comparison with the source looks at: every value of an fp32 file, the real tokens of a quantized one. */
import { expect, it } from 'vitest'
import type { HostTensor } from '../graph/data-type.ts'
import { compareOutputs } from './verify.ts'

const hidden = (...data: number[]): { hidden: HostTensor } => ({
  hidden: { dtype: 'float32', shape: [1, 2, 2], data: Float32Array.from(data) },
})
const mask: HostTensor = { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(1n, 0n) }
const verdict = (quantized: boolean, ...found: number[]) => {
  const feeds = [{ attention_mask: mask }]
  return compareOutputs({ name: 'v', quantized }, [hidden(1, 2, 3, 4)], [hidden(...found)], feeds)
}

it('leaves out the rows of padding of a quantized file alone', () => {
  expect(verdict(true, 1, 2, -9, 9)).toMatchObject({ ok: true, maxAbsError: 0 })
  expect(verdict(false, 1, 2, -9, 9)).toMatchObject({ ok: false })
  expect(verdict(true, 2, -1, 3, 4)).toMatchObject({ ok: false })
  expect(verdict(true, Number.NaN, 2, 3, 4).reason).toContain('not finite')
})
