/** Codes of weights are those that ONNX Runtime's QuantizeLinear finds, to the last one. */
import { expect, it } from 'vitest'
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { openInline } from '../runtime/open-inline.ts'
import { normalFrom, randomFrom } from '../stats/random.ts'
import { materialize } from './materialize.ts'
import { quantizedWeight } from './quantize-weight.ts'
import { onnxBytes } from './write-onnx.ts'

it.each([0, 1])('by axis %i', async (axis) => {
  const [rows, columns] = [512, 1024]
  const normal = normalFrom(randomFrom(axis))
  const w = float32Tensor(
    Array.from({ length: rows * columns }, () => 0.04 * normal()),
    [rows, columns],
  )
  const { codes, scales } = quantizedWeight(w, axis, 8)
  const b = new GraphBuilder('codes')
  const x = b.input('x', 'float32', [rows, columns])
  const scale = b.constant(scales, 'scale')
  const zero = b.op('Cast', [b.op('Mul', [scale, b.constant(float32Tensor([0], []), 'none')])], {
    to: int(3),
  })
  b.output('codes', b.op('QuantizeLinear', [x, scale, zero], { axis: int(axis) }))
  const engine = await openInline(onnxBytes(b.build()), { threads: 1, optimization: 'disabled' })
  const data = new Float32Array(new Uint8Array(materialize(w)).buffer)
  const found = await engine.run({ x: { dtype: 'float32', shape: [rows, columns], data } })
  await engine.release()
  const own = new Int8Array(new Uint8Array(materialize(codes)).buffer)
  expect(Buffer.compare(Buffer.from(own.buffer), Buffer.from(found.codes!.data as Int8Array))).toBe(
    0,
  )
})
