/** Work, parameters and planned memory of small graphs whose figures can be done by hand. */
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import { float32Tensor, inlineTensor } from '../graph/tensor.ts'
import { graphWork } from './graph-work.ts'
import { layerOf } from './layer-of.ts'
import { parameterCount } from './parameter-count.ts'
import { plannedMemory } from './planned-memory.ts'

const zeros = (...shape: number[]) =>
  float32Tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape)

it.each([
  ['encoder.layer.3.attention.self.query', 'encoder.layer.3'],
  ['transformer.layer.0', 'transformer.layer.0'],
  ['pooler.dense', 'pooler'],
  ['layers.12.mlp.2', 'layers.12'],
  ['', '(graph)'],
])('%j belongs to layer %s', (origin, layer) => expect(layerOf(origin)).toBe(layer))

describe('graphWork', () => {
  it('tells weights from activations, and products with a weight from others', () => {
    const b = new GraphBuilder('work')
    const x = b.input('x', 'float32', ['n', 8])
    b.op('MatMul', [x, b.constant(zeros(8, 6))])
    b.op('MatMul', [x, b.input('y', 'float32', [8, 6])])
    const [wide, narrow] = graphWork(b.build(), { n: 5 })
    expect(wide).toMatchObject({
      macs: 5 * 8 * 6,
      int8Macs: 0,
      flops: 2 * 5 * 8 * 6,
      weightBytes: 4 * 48,
      activationBytes: 4 * (5 * 8 + 5 * 6),
      product: [5, 8, 6],
    })
    expect(narrow).toMatchObject({ weightBytes: 0, activationBytes: 4 * (40 + 48 + 30) })
    expect(narrow).not.toHaveProperty('product')
  })

  it('counts products of bytes apart, and of a table the rows that are taken', () => {
    const b = new GraphBuilder('work')
    const codes = b.constant(inlineTensor('int8', [8, 6], new Int8Array(48)))
    b.op('MatMulInteger', [b.input('x', 'uint8', [4, 8]), codes])
    b.op('Gather', [b.constant(zeros(1000, 3)), b.input('ids', 'int64', [2])])
    const [product, gather] = graphWork(b.build(), {})
    expect(product).toMatchObject({ macs: 192, int8Macs: 192, weightBytes: 48 })
    expect(gather).toMatchObject({ weightBytes: 2 * 3 * 4, activationBytes: 2 * 8 + 2 * 3 * 4 })
  })
})

describe('parameterCount', () => {
  it('counts a tie once, constants never, each where it is read first', () => {
    const b = new GraphBuilder('parameters')
    const x = b.input('x', 'float32', ['n', 3])
    const table = b.parameter({ name: 'table', tie: 'words' }, zeros(3, 3))
    const again = b.parameter({ name: 'decoder', tie: 'words' }, zeros(3, 3))
    const first = b.scope('layer.0', () => b.op('MatMul', [x, table]))
    const bias = b.parameter({ name: 'bias' }, zeros(3))
    b.scope('head', () => b.op('Add', [b.op('MatMul', [first, again]), bias]))
    b.op('Mul', [first, b.constant(zeros(3))])
    expect(parameterCount(b.build())).toEqual({
      total: 12,
      byLayer: new Map([
        ['layer.0', 9],
        ['head', 3],
      ]),
    })
  })
})

describe('plannedMemory', () => {
  it('frees what was read last, shares views, and keeps outputs', () => {
    const b = new GraphBuilder('memory')
    const x = b.input('x', 'float32', ['n', 4])
    const a = b.op('Relu', [x]) // 16 n
    const view = b.op('Reshape', [a, b.int64s([-1])])
    const wide = b.op('Concat', [view, view, view], { axis: { type: 'int', value: 0 } }) // 48 n
    const y = b.op('Neg', [wide]) // 48 n, and a is gone
    b.output('y', b.op('Sqrt', [y]))
    const graph = b.build()
    const planned = plannedMemory(graph, { n: 10 })
    expect(planned).toEqual({ peakBytes: 960, at: graph.nodes[3], unknown: 0 })
    // a kept to the end adds to the peak
    b.output('a', a)
    expect(plannedMemory(b.build(), { n: 10 }).peakBytes).toBe(960 + 160)
  })

  it('gives back at once what nobody reads, and says what it cannot size', () => {
    const b = new GraphBuilder('memory')
    const x = b.input('x', 'float32', ['n'])
    b.op('Exp', [x])
    b.output('y', b.op('Relu', [x]))
    expect(plannedMemory(b.build(), { n: 10 }).peakBytes).toBe(40)
    expect(plannedMemory(b.build(), {})).toMatchObject({ peakBytes: 0, unknown: 2 })
  })
})
