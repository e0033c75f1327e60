/** Which layers static INT8 marks, with what, and what it refuses. */
import { describe, expect, it } from 'vitest'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { newTrace } from '../graph/rewrite-trace.ts'
import { float32Tensor, inlineTensor } from '../graph/tensor.ts'
import { runPasses } from './pass.ts'
import { pipeline } from './pipelines.ts'
import { quantizeStatic, type StaticQuantization } from './quantize-static.ts'

/** Two layers of one input, whose products are answers or go on. */
function sample(size = 64, answers = false) {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['n', size])
  const weight = inlineTensor('float32', [size, size], new Float32Array(size * size).fill(0.5))
  for (const name of ['q', 'k']) {
    const turned = b.op('Transpose', [b.parameter({ name }, weight)], { perm: ints([1, 0]) })
    const bias = b.parameter({ name: `${name}.bias` }, float32Tensor(Array(size).fill(1)))
    const sum = b.op('Add', [b.op('MatMul', [x, turned]), bias])
    b.output(name, answers ? sum : b.op('Sub', [sum, x]))
  }
  return b.build()
}

const input = { min: -1, max: 1 }
const output = { min: -8, max: 8 }
const notes = (settings: Partial<StaticQuantization>, size?: number) =>
  quantizeStatic({ weightBits: 8, ranges: {}, ...settings })
    .apply(sample(size))
    .nodes.flatMap(({ quantization }) => quantization ?? [])

describe('quantizeStatic', () => {
  it('marks the layers that have a range, and says of the others that they have none', () => {
    const note = { scheme: 'static', weightBits: 8, granularity: 'column', input }
    expect(notes({ ranges: { q: { input } } })).toEqual([note])
    const trace = newTrace()
    quantizeStatic({ weightBits: 8, ranges: { q: { input } } }).apply(sample(), trace)
    expect(JSON.stringify([...trace.misses])).toContain('has no range from calibration')
    expect(notes({ ranges: { q: { input, output }, k: { input } }, form: 'qoperator' })).toEqual([
      { ...note, output, form: 'qoperator' },
    ])
    expect(notes({ ranges: { q: { input } }, granularity: 'tensor' })).toMatchObject([
      { granularity: 'tensor' },
    ])
  })

  it('leaves small weights unless told not to', () => {
    const ranges = { q: { input }, k: { input } }
    expect(notes({ ranges }, 32)).toEqual([])
    expect(notes({ ranges, smallest: 1024 }, 32)).toHaveLength(2)
  })

  it('names the layer whose range is none', () => {
    const ranges = { k: { input: { min: Number.NaN, max: 1 } } }
    expect(() => notes({ ranges })).toThrow('The range of the input of k is NaN to 1')
  })

  it.each([
    ['cpu', 'cpu', { QuantizeLinear: 1, MatMulIntegerToFloat: 2 }],
    ['cpu', 'qdq', { QuantizeLinear: 1, DequantizeLinear: 3, MatMul: 2, Add: 2 }],
    ['portable', undefined, { QuantizeLinear: 1, DequantizeLinear: 3, MatMul: 2, Add: 2 }],
    ['cpu', 'qoperator', { QuantizeLinear: 1, QLinearMatMul: 2, DequantizeLinear: 2, Add: 2 }],
  ] as const)('%s, form %s: the input is quantized once', (lowering, form, expected) => {
    const ranges = { q: { input, output }, k: { input, output } }
    const quantize = { scheme: 'static-int8', weightBits: 8, ranges, form } as const
    const passes = pipeline({ lowering, quantize, read: () => new Uint8Array(0) })
    const counts: Record<string, number> = {}
    for (const { op } of runPasses(sample(), passes).graph.nodes) {
      counts[op] = (counts[op] ?? 0) + 1
    }
    expect(counts).toEqual({ ...expected, Sub: 2 })
  })
  it('gives answers no range of their output', () => {
    const ranges = { q: { input, output }, k: { input, output } }
    const quantize = { scheme: 'static-int8', weightBits: 8, ranges, form: 'qoperator' } as const
    const passes = pipeline({ lowering: 'cpu', quantize, read: () => new Uint8Array(0) })
    const ops = runPasses(sample(64, true), passes).graph.nodes.map(({ op }) => op)
    expect(ops.filter((op) => op === 'MatMulInteger')).toHaveLength(2)
    expect(ops).not.toContain('QLinearMatMul')
  })
})
