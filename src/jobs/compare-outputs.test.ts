/** What the comparison with the source looks at: every value of an fp32 file, the real tokens of a quantized one. */
import { expect, it } from 'vitest'
import type { HostTensor } from '../graph/data-type.ts'
import { compareOutputs } from './compare-outputs.ts'

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

it('refuses a quantized file whose answers no longer depend on its inputs', () => {
  const logits = (rows: readonly number[][]): { logits: HostTensor } => ({
    logits: { dtype: 'float32', shape: [rows.length, 2], data: Float32Array.from(rows.flat()) },
  })
  const source = [10, 11, 9, 10.5].map((x, i) => [x, i % 2 === 0 ? 8 : 8.5])
  const compare = (rows: readonly number[][], quantized = true) =>
    compareOutputs({ name: 'v', quantized }, [logits(source)], [logits(rows)])
  const constant = source.map(() => [10.1, 8.25])
  expect(compare(constant)).toMatchObject({ ok: false, cosine: expect.closeTo(1, 1) })
  expect(compare(constant).reason).toMatch(/collapsed \(they vary 0\.000 times as much/)
  expect(compare(source.map(([x, y]) => [x! * 0.98, y! + 0.1]))).toMatchObject({ ok: true })
  // where the source itself answers alike, that is right; and one answer tells nothing
  const alike = [logits(constant)]
  expect(compareOutputs({ name: 'v', quantized: true }, alike, alike)).toMatchObject({ ok: true })
  const one = [logits([[1, 2]])]
  expect(compareOutputs({ name: 'v', quantized: true }, one, one)).toMatchObject({ ok: true })
})
