import { describe, expect, it } from 'vitest'
import { GraphBuilder, int, ints } from '../graph/index.ts'
import { float32Tensor, inlineTensor } from '../graph/tensor.ts'
import { graphCost, nodeCost } from './graph-cost.ts'
import { inferTypes } from './infer-types.ts'
import { knownOps } from './known.ts'
import { caseGraph } from './testing/op-case.ts'
import { opCases } from './testing/op-cases.ts'

const zeros = (...shape: number[]) =>
  float32Tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape)

describe('graphCost', () => {
  it('counts a linear layer, a convolution and attention as the formulas do', () => {
    const b = new GraphBuilder('cost')
    const x = b.input('x', 'float32', ['batch', 'seq', 8])
    const y = b.op('MatMul', [x, b.constant(zeros(8, 6))])
    const image = b.input('image', 'float32', ['batch', 4, 10, 10])
    b.op('Conv', [image, b.constant(zeros(6, 2, 3, 3)), b.constant(zeros(6))], {
      group: int(2),
      pads: ints([1, 1, 1, 1]),
    })
    b.op('Attention', [x, x, x], { q_num_heads: int(2), kv_num_heads: int(2) })
    b.op('Gemm', [b.input('g', 'float32', [5, 3]), b.constant(zeros(5, 2))], { transA: int(1) })
    const graph = b.build()
    const { nodes, total, unknown } = graphCost(graph, { batch: 2, seq: 5 })
    const macs = graph.nodes.map((node) => nodes.get(node)!.macs)
    expect(macs).toEqual([2 * 5 * 6 * 8, 2 * 6 * 100 * 2 * 9, 2 * 2 * 5 * 5 * (4 + 4), 3 * 2 * 5])
    expect(total.macs).toBe(macs.reduce((sum, count) => sum + count, 0))
    expect(nodes.get(graph.nodes[0]!)).toEqual({
      macs: 480,
      flops: 960,
      bytesRead: (2 * 5 * 8 + 48) * 4,
      bytesWritten: 2 * 5 * 6 * 4,
    })
    expect(unknown).toEqual([])
    expect(y).toBeDefined()
  })

  it('reads of a table what it takes, and nothing for a view', () => {
    const b = new GraphBuilder('bytes')
    const table = b.constant(inlineTensor('int8', [1000, 16], new Int8Array(16_000)))
    const rows = b.op('Gather', [table, b.input('ids', 'int64', ['n'])])
    b.op('Reshape', [rows, b.int64s([-1])])
    const graph = b.build()
    const { nodes } = graphCost(graph, { n: 3 })
    expect(nodes.get(graph.nodes[0]!)).toMatchObject({
      bytesRead: 3 * 16 + 3 * 8,
      bytesWritten: 48,
    })
    expect(nodes.get(graph.nodes[1]!)).toMatchObject({ bytesRead: 0, bytesWritten: 0 })
  })

  it('says what it cannot say', () => {
    const b = new GraphBuilder('open')
    const x = b.input('x', 'float32', ['n'])
    b.add({
      op: 'Magic',
      domain: 'com.example',
      inputs: [x],
      outputs: [{ name: 'y' }],
      attributes: {},
      origin: '',
    })
    b.op('Relu', [x])
    const graph = b.build()
    expect(graphCost(graph, { n: 1 }).unknown).toEqual([graph.nodes[0]])
    expect(graphCost(graph, {}).unknown).toHaveLength(2)
  })

  it.each(knownOps)('%s has a finite cost in every case, or none', (op) => {
    for (const test of opCases[op]) {
      const { graph, node } = caseGraph(op, test)
      const types = inferTypes(graph)
      const cost = nodeCost(node, (value) => types.get(value), {})
      const open =
        ['If', 'Loop', 'Scan', 'NonZero', 'Unique'].includes(op) ||
        (op === 'Range' && test.about === 'floats')
      if (open) expect(cost).toBeUndefined()
      else for (const amount of Object.values(cost!)) expect(amount).toBeGreaterThanOrEqual(0)
    }
  })
})
