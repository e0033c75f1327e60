/** Which layers and tables are marked for INT8, with what, and how they are left out by name. */
import { describe, expect, it } from 'vitest'
import { int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph } from '../graph/graph.ts'
import { newTrace } from '../graph/rewrite-trace.ts'
import { derive, float32Tensor, type Tensor } from '../graph/tensor.ts'
import { quantizeDynamic } from './quantize-dynamic.ts'

const unread = (shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): Tensor =>
  derive('cast', [float32Tensor([])], dtype, shape)

interface Change {
  readonly shape?: number[]
  readonly dtype?: Tensor['dtype']
  readonly perm?: number[]
  readonly axis?: number
  readonly constant?: boolean
}

/** A table and a linear layer in the module `encoder.dense`. */
function sample({ shape = [64, 64], dtype, perm = [1, 0], axis, constant }: Change = {}): Graph {
  const b = new GraphBuilder('g')
  const x = b.input('x', dtype ?? 'float32', ['n', 64])
  const hold = (name: string) => {
    const tensor = unread(shape, dtype)
    return constant ? b.constant(tensor) : b.parameter({ name }, tensor)
  }
  const attributes = axis === undefined ? {} : { axis: int(axis) }
  b.output('rows', b.op('Gather', [hold('words'), b.input('ids', 'int64', ['n'])], attributes))
  b.scope('encoder.dense', () => {
    const turned = b.op('Transpose', [hold('w')], { perm: ints(perm) })
    b.output('y', b.op('MatMul', [x, turned]))
  })
  return b.build()
}
const marked = (graph: Graph): string[] =>
  graph.nodes.filter((node) => node.quantization).map((node) => node.op)
const quantized = (change?: Change) =>
  marked(quantizeDynamic({ weightBits: 7 }).apply(sample(change)))

describe('quantizeDynamic', () => {
  it('marks layers by column with the bits asked for, tables by row with 8', () => {
    const trace = newTrace()
    const { nodes } = quantizeDynamic({ weightBits: 7 }).apply(sample(), trace)
    const notes = nodes.map((node) => node.quantization)
    expect(notes.filter((note) => note !== undefined)).toEqual([
      { scheme: 'weight-only', bits: 8, weightBits: 8, granularity: 'row' },
      { scheme: 'dynamic', bits: 8, weightBits: 7, granularity: 'column' },
    ])
    expect(Object.fromEntries(trace.hits)).toEqual({ linear: 1, table: 1 })
  })

  it('leaves what does not gain or does not fit', () => {
    expect(quantized()).toEqual(['Gather', 'MatMul'])
    expect(quantized({ shape: [63, 64] })).toEqual([])
    expect(quantized({ dtype: 'float16' })).toEqual([])
    expect(quantized({ perm: [0, 1] })).toEqual(['Gather'])
    expect(quantized({ axis: 1 })).toEqual(['MatMul'])
    expect(quantized({ axis: 0 })).toEqual(['Gather', 'MatMul'])
    expect(quantized({ constant: true })).toEqual(['MatMul'])
  })

  it.each<[Parameters<typeof quantizeDynamic>[0], Change, string | undefined]>([
    [{ weightBits: 7 }, {}, undefined],
    [
      { weightBits: 7 },
      { shape: [63, 64] },
      'w has 4032 elements: below 4096, fewer bits save nothing',
    ],
    [{ weightBits: 7 }, { dtype: 'float16' }, 'w is float16, not float32'],
    [{ weightBits: 7, exclude: ['encoder.*'] }, {}, 'w is excluded'],
  ])('%j, %j: says of a layer that stays fp32 why', (options, change, said) => {
    const trace = newTrace()
    quantizeDynamic(options).apply(sample(change), trace)
    const miss = trace.misses.get('linear')
    expect(miss && `${miss.value} ${miss.reason}`).toBe(said)
    expect(miss?.origin).toBe(said && 'encoder.dense')
    expect(trace.work.get('linear')).toMatchObject({ left: said ? 1 : 0, near: said ? 1 : 0 })
  })

  it('leaves tables when told to', () => {
    expect(marked(quantizeDynamic({ weightBits: 8, tables: false }).apply(sample()))).toEqual([
      'MatMul',
    ])
  })

  it.each([
    [['encoder.*'], ['Gather']],
    [['*dense'], ['Gather']],
    [['words'], ['MatMul']],
    [['w*'], []],
  ])('excludes %j by module path or parameter name', (exclude, ops) => {
    expect(marked(quantizeDynamic({ weightBits: 7, exclude }).apply(sample()))).toEqual(ops)
  })

  it.each([
    ['encoder'],
    ['encoder.dens.'],
    ['encoder?dense'],
    ['('],
  ])('says that %s matches nothing, and what is near', (pattern) => {
    expect(() => quantizeDynamic({ weightBits: 7, exclude: [pattern] }).apply(sample())).toThrow(
      `--exclude ${pattern} matches none of the model's`,
    )
  })

  it('keeps the notes that are there, and gives the same object back when it adds none', () => {
    const once = quantizeDynamic({ weightBits: 7 }).apply(sample())
    expect(quantizeDynamic({ weightBits: 8 }).apply(once)).toBe(once)
  })
})
