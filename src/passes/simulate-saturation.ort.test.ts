/**
 * The simulated kernel against a scalar emulation of `vpmaddubsw`, bit for bit; every operator that has it against
 * ONNX Runtime's own where nothing saturates; and graphs that cannot saturate, which stay as they are.
 */
import { describe, expect, it } from 'vitest'
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor } from '../graph/tensor.ts'
import { materialize, onnxBytes } from '../onnx/index.ts'
import type { Feeds } from '../runtime/engine.ts'
import { openInline } from '../runtime/open-inline.ts'
import { type Random, randomFrom } from '../stats/random.ts'
import { portability } from './saturation.ts'
import { simulateSaturation } from './simulate-saturation.ts'

const read = materialize

async function run(graph: Graph, feeds: Feeds) {
  const engine = await openInline(onnxBytes(graph, { opset: 21 }), { threads: 1 })
  try {
    return await engine.run(feeds)
  } finally {
    await engine.release()
  }
}

/** What `vpmaddubsw`, `vpmaddwd` and `vpaddd` come to, then the corrections for zero points. */
function emulate(a: Uint8Array, w: Int8Array, k: number, n: number, za: number, zw: number) {
  const m = a.length / k
  const out = new Int32Array(m * n)
  let saturated = 0
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let [sum, sumA, sumW] = [0, 0, 0]
      for (let i = 0; i < k; i += 2) {
        const at = (j: number) => (j < k ? a[row * k + j]! * w[j * n + column]! : 0)
        const pair = at(i) + at(i + 1)
        const kept = Math.max(-32768, Math.min(32767, pair))
        if (kept !== pair) saturated++
        sum += kept
      }
      for (let i = 0; i < k; i++) {
        sumA += a[row * k + i]!
        sumW += w[i * n + column]!
      }
      out[row * n + column] = sum - za * sumW - zw * sumA + k * za * zw
    }
  }
  return { out, saturated, sums: m * n * Math.ceil(k / 2) }
}

const codes = {
  uniform: (random: Random) => random.below(256) - 128,
  extreme: (random: Random) => [-128, 127, -127, 0][random.below(4)]!,
  highest: () => 127,
  lowest: () => -128,
  // most columns have none that can saturate, some have one
  rare: (random: Random) => (random.below(20) === 0 ? 127 : random.below(60) - 30),
} as const

describe.each(Object.keys(codes) as (keyof typeof codes)[])('%s codes', (kind) => {
  it.each([
    [[3, 64], 48, 0, 0],
    [[2, 3, 33], 20, 131, 0],
    [[1, 2050], 3, 255, -7],
  ] as const)('activations %j, %i columns', async (shape, n, za, zw) => {
    const random = randomFrom(shape.length * 7 + n)
    const k = shape.at(-1)!
    const size = shape.reduce<number>((product, dim) => product * dim, 1)
    const high = (): number => (random.below(3) === 0 ? random.below(256) : 255 - random.below(3))
    const a = Uint8Array.from({ length: size }, high)
    const w = Int8Array.from({ length: k * n }, () => codes[kind](random))
    const b = new GraphBuilder('product')
    const x = b.input('x', 'uint8', shape)
    const weight = b.constant(inlineTensor('int8', [k, n], w))
    const zeros = [
      b.constant(inlineTensor('uint8', [], Uint8Array.of(za))),
      b.constant(inlineTensor('int8', [n], new Int8Array(n).fill(zw))),
    ]
    b.output('y', b.op('MatMulInteger', [x, weight, ...zeros]))
    const { graph, simulated } = simulateSaturation(b.build(), read)
    const found = await run(graph, { x: { dtype: 'uint8', shape: [...shape], data: a } })
    const expected = emulate(a, w, k, n, za, zw)
    expect(found.y!.data).toEqual(expected.out)
    expect(simulated).toHaveLength(1)
    expect([...(found[simulated[0]!.output]!.data as BigInt64Array)].map(Number)).toEqual([
      expected.saturated,
      expected.sums,
    ])
    if (kind !== 'rare') expect(expected.saturated).toBeGreaterThan(0)
  })
})

it('leaves what cannot saturate as it is: 7-bit codes, and unsigned ones', () => {
  for (const type of ['int8', 'uint8'] as const) {
    const b = new GraphBuilder('seven')
    const random = randomFrom(3)
    const data =
      type === 'int8'
        ? Int8Array.from({ length: 4096 }, () => [64, -64, 63, -63][random.below(4)]!)
        : Uint8Array.from({ length: 4096 }, () => 255)
    const weight = b.constant(inlineTensor(type, [64, 64], data))
    b.output('y', b.op('MatMulInteger', [b.input('x', 'uint8', [2, 64]), weight]))
    const graph = b.build()
    expect(simulateSaturation(graph, read)).toMatchObject({ simulated: [], skipped: [] })
    expect(simulateSaturation(graph, read).graph.nodes).toEqual(graph.nodes)
    const products = type === 'int8' ? 1 : 0
    expect(portability(graph, read)).toEqual({ products, saturating: [], unknown: 0 })
  }
})

const K = 32
const N = 16

/** Every operator on the same codes. */
const operators: Readonly<Record<string, (b: GraphBuilder, c: Constants) => Value>> = {
  MatMulIntegerToFloat: (b, c) =>
    b.op(
      'MatMulIntegerToFloat',
      [c.x, c.weight, c.scale, c.scales, c.zero, undefined, c.bias],
      {},
      { domain: 'com.microsoft' },
    ),
  'MatMulIntegerToFloat without a bias': (b, c) =>
    b.op(
      'MatMulIntegerToFloat',
      [c.x, c.weight, c.scale, c.scales, c.zero],
      {},
      { domain: 'com.microsoft' },
    ),
  DynamicQuantizeMatMul: (b, c) =>
    b.op(
      'DynamicQuantizeMatMul',
      [b.op('Cast', [c.x], { to: int(1) }), c.weight, c.scales, undefined, c.bias],
      {},
      { domain: 'com.microsoft' },
    ),
  QLinearMatMul: (b, c) =>
    b.op('QLinearMatMul', [
      ...[c.x, c.scale, c.zero, c.weight, c.scales, c.weightZeros],
      ...[c.outScale, c.zero],
    ]),
  'QGemm to float': (b, c) =>
    b.op(
      'QGemm',
      [c.x, c.scale, c.zero, c.turned, c.scales, c.weightZeros, c.sumBias],
      { transB: int(1) },
      { domain: 'com.microsoft' },
    ),
  'QGemm to bytes': (b, c) =>
    b.op(
      'QGemm',
      [c.x, c.scale, c.zero, c.weight, c.scales, c.weightZeros, c.sumBias, c.outScale, c.zero],
      {},
      { domain: 'com.microsoft' },
    ),
}

type Constants = ReturnType<typeof constantsOf>

function constantsOf(b: GraphBuilder, random: Random) {
  const w = Int8Array.from({ length: K * N }, () => codes.uniform(random))
  const turned = Int8Array.from({ length: K * N }, (_, i) => w[(i % K) * N + Math.floor(i / K)]!)
  const some = (length: number, size: number) =>
    Array.from({ length }, () => size * (0.5 + random.uniform()))
  return {
    x: b.input('x', 'uint8', [5, K]),
    weight: b.constant(inlineTensor('int8', [K, N], w)),
    turned: b.constant(inlineTensor('int8', [N, K], turned)),
    weightZeros: b.constant(inlineTensor('int8', [N], new Int8Array(N))),
    zero: b.constant(inlineTensor('uint8', [], Uint8Array.of(61))),
    scale: b.constant(floatScalar(0.013)),
    scales: b.constant(float32Tensor(some(N, 0.02))),
    outScale: b.constant(floatScalar(0.7)),
    bias: b.constant(float32Tensor(some(N, 3))),
    sumBias: b.constant(inlineTensor('int32', [N], Int32Array.from(some(N, 900)))),
  }
}

it.each(Object.keys(operators))('%s: scales and rounds as the kernel does', async (name) => {
  const random = randomFrom(11)
  const b = new GraphBuilder(name)
  b.opset('com.microsoft', 1)
  b.output('y', operators[name]!(b, constantsOf(b, random)))
  const graph = b.build()
  const simulation = simulateSaturation(graph, read)
  expect(simulation).toMatchObject({ products: 1, skipped: [], simulated: [{}] })
  // dynamic ranges make 255 of the largest value, whatever it is
  const most = name === 'DynamicQuantizeMatMul' ? 256 : 128
  const data = Uint8Array.from({ length: 5 * K }, () => random.below(most))
  const feeds = { x: { dtype: 'uint8', shape: [5, K], data } } as const
  const simulated = await run(simulation.graph, feeds)
  const [saturated] = simulated['saturated.0']!.data as BigInt64Array
  if (most === 128) {
    expect(saturated).toBe(0n)
    expect(simulated.y!.data).toEqual((await run(graph, feeds)).y!.data)
    // with all bits it does saturate, and only makes a difference then
    const full = { x: { ...feeds.x, data: data.map((code) => 2 * code + 1) } }
    expect((await run(simulation.graph, full))['saturated.0']!.data[0]).toBeGreaterThan(0n)
  } else expect(saturated).toBeGreaterThan(0n)
})
