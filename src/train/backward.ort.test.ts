import { describe, expect, it } from 'vitest'
import { graphAttribute, int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { floatScalar, inlineTensor } from '../graph/tensor.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { verifyGraph } from '../ops/verify.ts'
import { openInline } from '../runtime/open-inline.ts'
import { randomFrom } from '../stats/random.ts'
import { backward } from './backward.ts'

async function run(graph: Graph, feeds: Record<string, HostTensor>, opset = 24) {
  const engine = await openInline(onnxBytes(verifyGraph(graph), { opset }), {
    threads: 2,
    optimization: 'disabled',
  })
  const outputs = await engine.run(feeds)
  await engine.release()
  return outputs
}
const numbers = (tensor: HostTensor | undefined): number[] =>
  Array.from(tensor!.data as Float32Array)

describe('backward', () => {
  it('adds what meets, and leaves out what does not reach the loss', async () => {
    const b = new GraphBuilder('meet')
    const x = b.input('x', 'float32', ['n'])
    const unused = b.input('unused', 'float32', ['n'])
    const twice = b.op('Add', [x, x])
    const loss = b.op('ReduceSum', [b.op('Mul', [twice, b.op('Mul', [twice, x])])], {
      keepdims: int(0),
    })
    const { graph, gradients } = backward(b.build(), loss, [x, unused])
    expect(gradients.has(unused)).toBe(false)
    const outputs = [{ name: 'dx', value: gradients.get(x)! }]
    const feeds = {
      x: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 3) },
      unused: { dtype: 'float32', shape: [2], data: new Float32Array(2) },
    } as const
    // loss = Σ 4x³
    expect(numbers((await run({ ...graph, outputs }, feeds)).dx)).toEqual([12, 108])
  })

  it('sums rows of a large table exactly on two threads, however often they repeat', async () => {
    const [rows, width, tokens] = [3000, 32, 1500]
    const b = new GraphBuilder('table')
    const table = b.input('table', 'float32', [rows, width])
    const ids = b.input('ids', 'int64', ['tokens'])
    const weights = b.input('weights', 'float32', ['tokens', width])
    const taken = b.op('Mul', [b.op('Gather', [table, ids]), weights])
    const loss = b.op('ReduceSum', [taken], { keepdims: int(0) })
    const { graph, gradients } = backward(b.build(), loss, [table])
    const random = randomFrom(5)
    const id = Array.from({ length: tokens }, (_, i) =>
      i % 3 ? random.below(4) : random.below(rows),
    )
    const weight = Float32Array.from({ length: tokens * width }, () => random.below(9) - 4)
    const expected = new Float32Array(rows * width)
    id.forEach((row, t) => {
      for (let k = 0; k < width; k++) expected[row * width + k]! += weight[t * width + k]!
    })
    const negative = id.map((row, i) => BigInt(i % 5 ? row : row - rows))
    const feeds = {
      table: { dtype: 'float32', shape: [rows, width], data: new Float32Array(rows * width) },
      ids: { dtype: 'int64', shape: [tokens], data: BigInt64Array.from(negative) },
      weights: { dtype: 'float32', shape: [tokens, width], data: weight },
    } as const
    const outputs = [{ name: 'd', value: gradients.get(table)! }]
    for (let round = 0; round < 3; round++) {
      expect(numbers((await run({ ...graph, outputs }, feeds)).d)).toEqual([...expected])
    }
  })

  it('passes dropout by the mask of the forward run', async () => {
    const b = new GraphBuilder('dropout')
    const x = b.input('x', 'float32', [4, 50])
    const training = b.constant(inlineTensor('bool', [], Uint8Array.of(1)))
    const y = b.op('Dropout', [x, b.constant(floatScalar(0.3)), training], { seed: int(7) })
    const loss = b.op('ReduceSum', [y], { keepdims: int(0) })
    const { graph, gradients } = backward(b.build(), loss, [x])
    const outputs = [
      { name: 'y', value: y },
      { name: 'dx', value: gradients.get(x)! },
    ]
    const ones = { dtype: 'float32', shape: [4, 50], data: new Float32Array(200).fill(1) } as const
    const { y: got, dx } = await run({ ...graph, outputs }, { x: ones })
    expect(new Set(numbers(got)).size).toBe(2)
    numbers(dx).forEach((value, i) => {
      expect(value).toBeCloseTo(numbers(got)[i]!, 5)
    })
  })

  it('multiplies the transposed weight of a linear layer without transposing anything', () => {
    const b = new GraphBuilder('linear')
    const x = b.input('x', 'float32', ['n', 4])
    const w = b.input('w', 'float32', [3, 4])
    const y = b.op('MatMul', [x, b.op('Transpose', [w], { perm: ints([1, 0]) })])
    const { graph, gradients } = backward(b.build(), b.op('ReduceSum', [y]), [])
    expect(gradients.size).toBe(0)
    expect(graph.nodes.length).toBeGreaterThan(0)
    const loss = b.op('ReduceSum', [y], { keepdims: int(0) })
    const both = backward(b.build(), loss, [x, w])
    const makerOf = (value: Value) => both.graph.nodes.find((node) => node.outputs.includes(value))
    expect(makerOf(both.gradients.get(x)!)).toMatchObject({
      op: 'MatMul',
      inputs: [expect.anything(), w],
    })
    expect(makerOf(both.gradients.get(w)!)).toMatchObject({
      op: 'Gemm',
      attributes: { transA: { value: 1 } },
    })
  })

  it('names the operator that has no gradient', () => {
    const b = new GraphBuilder('refused')
    const x = b.input('x', 'float32', ['n'])
    const y: Value = { name: 'y', type: { dtype: 'float32', shape: ['n'] } }
    b.add({
      op: 'Magic',
      domain: 'com.example',
      inputs: [x],
      outputs: [y],
      attributes: {},
      origin: 'head',
    })
    const loss = b.op('ReduceSum', [y])
    expect(() => backward(b.build(), loss, [x])).toThrow(
      "No gradient through Magic 'y' of head: the operator is not known.",
    )
    const inner = new GraphBuilder('branch')
    inner.output('z', inner.op('Neg', [x]))
    const branch = graphAttribute(inner.build())
    const either = b.op('If', [b.input('c', 'bool', [])], {
      then_branch: branch,
      else_branch: branch,
    })
    expect(() => backward(b.build(), b.op('ReduceSum', [either]), [x])).toThrow(
      /No gradient through If/,
    )
  })
})
