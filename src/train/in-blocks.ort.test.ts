import { expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import { bytesOf, type HostTensor } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { Shape } from '../graph/shape.ts'
import { floatScalar } from '../graph/tensor.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { verifyGraph } from '../ops/verify.ts'
import { openInline } from '../runtime/open-inline.ts'
import { blockShape, inBlocks } from './in-blocks.ts'

/** y = (x·s + z)·erf(x·s) and its square, with one value read from outside the chain and one by a reduction. */
function chain(shape: Shape): Graph {
  const b = new GraphBuilder('chain')
  const [x, z] = ['x', 'z'].map((name) => b.input(name, 'float32', shape)) as [Value, Value]
  const scaled = b.op('Mul', [x, b.input('s', 'float32', [])])
  const sum = b.op('Add', [scaled, z])
  const y = b.op('Mul', [sum, b.op('Erf', [scaled])])
  const low = b.op('Less', [y, b.constant(floatScalar(0.25))])
  const kept = b.op('Where', [low, sum, b.op('Mul', [y, y])])
  b.output('sum', sum)
  b.output('kept', kept)
  b.output('largest', b.op('ReduceMax', [y]))
  return b.build()
}

async function run(graph: Graph, shape: readonly number[]) {
  const size = shape.reduce((product, dim) => product * dim, 1)
  const tensor = (phase: number): HostTensor => {
    const data = Float32Array.from({ length: size }, (_, i) => Math.sin(0.37 * i + phase))
    return { dtype: 'float32', shape, data }
  }
  const engine = await openInline(onnxBytes(verifyGraph(graph)), { threads: 2 })
  const s = { dtype: 'float32', shape: [], data: Float32Array.of(1.7) } as const
  const outputs = await engine.run({ x: tensor(0), z: tensor(1), s })
  await engine.release()
  return outputs
}

it.each([
  ['rows whose number is known later', ['rows', 384], [7, 384], 3],
  ['a large table', [512, 384], [512, 384], 3],
  ['what stands in blocks already', [6, 32768], [6, 32768], 0],
] as const)('gives the same bits on %s', async (_, shape, sizes, reshapes) => {
  const plain = chain(shape)
  const blocked = inBlocks(plain, 1)
  const count = (op: string) => blocked.nodes.filter((node) => node.op === op).length
  expect(count('Scan')).toBe(1)
  expect(count('Reshape')).toBe(reshapes && 2 + 3)
  const [got, wanted] = [await run(blocked, sizes), await run(plain, sizes)]
  for (const [name, { data }] of Object.entries(wanted)) {
    expect(Buffer.compare(bytesOf(got[name]!.data), bytesOf(data)), name).toBe(0)
  }
})

it('leaves short chains, small tensors and broadcasts alone', () => {
  for (const shape of [
    [64, 64],
    ['rows', 7],
    ['a', 'b', 384],
  ]) {
    const graph = chain(shape)
    expect(inBlocks(graph)).toBe(graph)
  }
  const b = new GraphBuilder('short')
  const x = b.input('x', 'float32', ['rows', 384])
  b.output('y', b.op('Exp', [b.op('Neg', [b.op('Add', [x, b.input('row', 'float32', [384])])])]))
  const short = b.build()
  expect(inBlocks(short)).toBe(short)
})

it('cuts tables into equal blocks that fit a cache', () => {
  expect(blockShape([30522, 384], 1)).toEqual([384, 30522])
  expect(blockShape([1536, 384], 1)).toEqual([18, 32768])
  expect(blockShape([2, 131101], 1)).toBeUndefined()
  expect(blockShape([30522, 384])).toEqual([48, 244176])
  expect(blockShape([1536, 384], 2)).toEqual([3, 196608])
  expect(blockShape([384, 384], 2)).toBeUndefined()
})
