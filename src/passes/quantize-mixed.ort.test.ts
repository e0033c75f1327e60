/** Several schemes in one graph: each layer gets the kernel of its own, and gives what a graph of that scheme gives. */
import { describe, expect, it } from 'vitest'
import { runGraph } from '../../test/support/tensors.ts'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { float32Tensor, reshaped } from '../graph/tensor.ts'
import { randomFrom } from '../stats/random.ts'
import { runPasses } from './pass.ts'
import { type Lowering, pipeline } from './pipelines.ts'
import {
  type LayerOverride,
  type LayerQuantization,
  type Quantization,
  quantizePasses,
} from './quantize.ts'

const WIDTH = 64
const names = ['a', 'b', 'c', 'd', 'e'] as const

const random = randomFrom(3)
const numbers = (count: number) => Array.from({ length: count }, () => random.uniform() - 0.5)

/** Layers `block.a`, `block.b`, … of one input, an output each. */
const graph = (() => {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['n', WIDTH])
  for (const name of names) {
    b.scope(`block.${name}`, () => {
      const tensor = reshaped(float32Tensor(numbers(WIDTH * WIDTH)), [WIDTH, WIDTH])
      const weight = b.parameter({ name: `${name}.weight` }, tensor)
      b.output(name, b.op('MatMul', [x, b.op('Transpose', [weight], { perm: ints([1, 0]) })]))
    })
  }
  return b.build()
})()

const x = {
  dtype: 'float32',
  shape: [5, WIDTH],
  data: Float32Array.from(numbers(5 * WIDTH)),
} as const

const ranges = Object.fromEntries(
  names.map((name) => [`${name}.weight`, { input: { min: -0.5, max: 0.5 } }]),
)
const blocks = { scheme: 'weight-only', block: 32, symmetric: false, accuracyLevel: 4 } as const
const plans = {
  dynamic: { scheme: 'dynamic-int8', weightBits: 7 },
  token: { scheme: 'dynamic-int8', weightBits: 7, activations: 'token' },
  static: { scheme: 'static-int8', weightBits: 7, ranges },
  int4: { ...blocks, bits: 4 },
  int8: { ...blocks, bits: 8, block: 16 },
} as const satisfies Record<string, LayerQuantization>

const mixed = (base: LayerQuantization, ...overrides: LayerOverride[]): Quantization => ({
  scheme: 'mixed',
  base,
  overrides,
})

const operators = (quantize: Quantization, lowering: Lowering): string[] => {
  const read = (): never => {
    throw new Error('no value is needed')
  }
  const lowered = runPasses(graph, pipeline({ lowering, quantize, read })).graph
  return lowered.nodes.map(({ op }) => op).sort()
}

const noted = (quantize: Quantization) =>
  runPasses(graph, quantizePasses(quantize, 'before')).graph.nodes.flatMap(
    ({ op, quantization }) => (op === 'MatMul' ? [quantization?.scheme] : []),
  )

describe('mixed schemes', () => {
  const all = mixed(
    plans.int4,
    { pattern: 'block.a', to: 'fp32' },
    { pattern: 'block.b', to: plans.dynamic },
    { pattern: 'c.weight', to: plans.token },
    { pattern: '*.d', to: plans.static },
  )

  it.each([
    'cpu',
    'portable',
  ] as const)('equal the single schemes layer by layer, %s', async (lowering) => {
    const found = await runGraph(graph, { x }, { lowering, quantize: all })
    const schemes = { a: undefined, b: 'dynamic', c: 'token', d: 'static', e: 'int4' } as const
    for (const name of names) {
      const scheme = schemes[name]
      const quantize = scheme && plans[scheme]
      const expected = await runGraph(graph, { x }, { lowering, quantize })
      expect(found[name], name).toEqual(expected[name])
      if (!scheme) continue
      const exact = await runGraph(graph, { x }, { lowering })
      expect(found[name], name).not.toEqual(exact[name])
    }
  })

  it('get a kernel each', () => {
    const ops = operators(all, 'cpu')
    const count = (op: string) => ops.filter((each) => each === op).length
    expect(count('Gemm')).toBe(1)
    expect(count('MatMulIntegerToFloat')).toBe(3)
    expect(count('DynamicQuantizeLinear')).toBe(1)
    expect(count('QuantizeLinear')).toBe(2)
    expect(count('MatMulNBits')).toBe(1)
  })

  it('let the last override win', () => {
    const up = { pattern: 'block.*', to: plans.dynamic }
    const down = { pattern: 'block.b', to: 'fp32' } as const
    expect(noted(mixed(plans.int4, up, down))).toEqual([
      'dynamic',
      undefined,
      'dynamic',
      'dynamic',
      'dynamic',
    ])
    expect(noted(mixed(plans.int4, down, up))).toEqual(names.map(() => 'dynamic'))
    const back = { pattern: 'block.b', to: plans.int8 }
    expect(noted(mixed({ ...plans.dynamic, exclude: ['block.*'] }, back))).toEqual([
      undefined,
      'blocks',
      undefined,
      undefined,
      undefined,
    ])
  })

  it.each([
    [{ pattern: 'block.f', to: 'fp32' }],
    [{ pattern: 'block.f', to: plans.int8 }],
  ] as const)('say that %j matches nothing', (override) => {
    expect(() => noted(mixed(plans.int4, override))).toThrow('--override block.f matches none')
  })
})
