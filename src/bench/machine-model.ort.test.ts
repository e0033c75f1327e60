/** The graphs that measure a machine hold what they claim to measure. */
import { expect, it } from 'vitest'
import { onnxBytes } from '../onnx/index.ts'
import { graphWork } from '../ops/graph-work.ts'
import { verifyGraph } from '../ops/verify.ts'
import { openInline } from '../runtime/index.ts'
import { COPY_ELEMENTS, copyModel, machineModel, TURNS } from './machine-model.ts'

const sizes = [
  [4, 16, 8],
  [6, 8, 24],
] as const

it('products stand in both widths and run', async () => {
  const { graph, feeds } = machineModel(sizes)
  const work = graphWork(verifyGraph(graph), {})
  const [first, second] = sizes.map(([m, k, n]) => m * k * n)
  const macs = (first! + second!) * TURNS
  expect(work.reduce((sum, node) => sum + node.macs, 0)).toBe(2 * macs)
  expect(work.reduce((sum, node) => sum + node.int8Macs, 0)).toBe(macs)
  const engine = await openInline(onnxBytes(graph, { opset: 21 }), { threads: 1 })
  const outputs = await engine.run(feeds)
  await engine.release()
  expect(Object.keys(outputs)).toHaveLength(2 * sizes.length * TURNS)
  expect(outputs.fp32_1_0!.shape).toEqual([1, 24])
  expect(outputs.int8_0_2!.shape).toEqual([1, 8])
})

it('the copy is of a length that is an input, so that nobody folds it away', () => {
  const { graph, feeds } = copyModel()
  expect(verifyGraph(graph).nodes.map(({ op }) => op)).toEqual(['ConstantOfShape', 'Neg', 'Slice'])
  expect(feeds.length!.data).toEqual(BigInt64Array.of(BigInt(COPY_ELEMENTS)))
})
