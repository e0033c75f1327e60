/** Operators that miss their kernel are found in the graph that ONNX Runtime really runs, and those that reach it are not. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { profileRuns } from '../src/bench/measure-machine.ts'
import { int } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { Value } from '../src/graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor } from '../src/graph/tensor.ts'
import { kernelsOf } from '../src/jobs/kernel-check.ts'
import { onnxBytes } from '../src/onnx/index.ts'
import { randomFrom } from '../src/stats/random.ts'
import { scratchFolder } from './support/tensors.ts'

const SIZE = 64
const floats = (count: number, value = 0.01) => new Array<number>(count).fill(value)

/** Parts that the cases are made of. */
class Draft extends GraphBuilder {
  readonly x = this.input('x', 'float32', [2, SIZE])
  readonly scale = this.constant(floatScalar(0.02), 'scale')

  constructor() {
    super('case')
    this.opset('com.microsoft', 1)
  }
  codes(type: 'int8' | 'uint8' = 'int8'): Value {
    const random = randomFrom(5)
    const data = Uint8Array.from({ length: SIZE * SIZE }, () => random.below(256))
    return this.constant(
      inlineTensor(type, [SIZE, SIZE], type === 'int8' ? new Int8Array(data.buffer) : data),
      'codes',
    )
  }
  zero(type: 'int8' | 'uint8', size?: number): Value {
    const shape = size === undefined ? [] : [size]
    const data = type === 'int8' ? new Int8Array(size ?? 1) : new Uint8Array(size ?? 1)
    return this.constant(inlineTensor(type, shape, data), 'zero')
  }
  rowScales = (): Value => this.constant(float32Tensor(floats(SIZE)), 'scales')
  bias = (): Value => this.constant(float32Tensor(floats(SIZE, 1)), 'bias')
  pair(x: Value, type: 'int8' | 'uint8' = 'uint8'): Value {
    const how = [this.scale, this.zero(type)]
    return this.op('DequantizeLinear', [this.op('QuantizeLinear', [x, ...how]), ...how])
  }
  dequantized = (axis: number): Value =>
    this.op('DequantizeLinear', [this.codes(), this.rowScales(), this.zero('int8', SIZE)], {
      axis: int(axis),
    })
  dynamic = (type: 'int8' | 'uint8'): Value => {
    const [codes, scale, zero] = this.ops('DynamicQuantizeLinear', [this.x], 3)
    const inputs = [codes, this.codes(type), scale, this.rowScales(), zero]
    return this.op('MatMulIntegerToFloat', inputs, {}, { domain: 'com.microsoft' })
  }
  nBits(level: number): Value {
    const blocks = SIZE / 32
    const codes = inlineTensor('uint8', [SIZE, blocks, 32], new Uint8Array(SIZE * SIZE).fill(9))
    const scales = this.constant(float32Tensor(floats(SIZE * blocks), [SIZE, blocks]))
    const attributes = {
      ...{ K: int(SIZE), N: int(SIZE), bits: int(8), block_size: int(32) },
      accuracy_level: int(level),
    }
    const inputs = [this.x, this.constant(codes), scales]
    return this.op('MatMulNBits', inputs, attributes, { domain: 'com.microsoft' })
  }
}

const missed: Readonly<Record<string, readonly [(b: Draft) => Value, string]>> = {
  'a Gemm with transB and a scale a row': [
    (b) => b.op('Gemm', [b.x, b.dequantized(0), b.bias()], { transB: int(1) }),
    'MatMulNBits',
  ],
  'rows of a table that is dequantized whole': [
    (b) => b.op('Gather', [b.dequantized(0), b.op('Cast', [b.x], { to: int(7) })]),
    'GatherBlockQuantized',
  ],
  'pairs around a Gemm with a float bias': [
    (b) => b.op('Gemm', [b.pair(b.x), b.dequantized(1), b.bias()]),
    'QGemm',
  ],
  'a pair around Erf': [(b) => b.op('Erf', [b.pair(b.x)]), 'Erf of 8 bits'],
  '8-bit blocks computed in float32': [(b) => b.nBits(0), 'MatMulNBits of int8 activations'],
  'unsigned weights': [(b) => b.dynamic('uint8'), 'DynamicQuantizeMatMul of uint8 × int8'],
  'signed activations': [
    (b) => {
      const left = b.op('QuantizeLinear', [b.x, b.scale, b.zero('int8')])
      const inputs = [left, b.codes(), b.scale, b.scale, b.zero('int8')]
      return b.op('MatMulIntegerToFloat', inputs, {}, { domain: 'com.microsoft' })
    },
    'MatMulIntegerToFloat of uint8 × int8',
  ],
}

const reached: Readonly<Record<string, (b: Draft) => Value>> = {
  'signed weights, dynamic': (b) => b.dynamic('int8'),
  'weights alone before a MatMul': (b) => b.op('MatMul', [b.x, b.dequantized(1)]),
  'pairs around a MatMul': (b) => b.op('MatMul', [b.pair(b.x), b.dequantized(1)]),
  '8-bit blocks of level 4': (b) => b.nBits(4),
}

/** All of them in one graph: each would take two processes of its own. */
async function kernels(parts: readonly ((b: Draft) => Value)[]) {
  const b = new Draft()
  parts.forEach((write, i) => {
    b.output(`y${i}`, write(b))
  })
  const folder = scratchFolder()
  const file = join(folder, 'case.onnx')
  writeFileSync(file, onnxBytes(b.build(), { opset: 21 }))
  const data = new Float32Array(2 * SIZE).fill(0.5)
  const feeds = { x: { dtype: 'float32', shape: [2, SIZE], data } } as const
  const profile = await profileRuns(file, () => feeds, { folder, threads: 1, runs: 5 })
  return (await kernelsOf(file, profile, {}))!
}

it.runIf(process.arch === 'x64')('tells what missed its kernel, and why', async () => {
  const found = (await kernels(Object.values(missed).map(([write]) => write))).missed
  expect(found.map(({ wanted }) => wanted).sort()).toEqual(
    Object.values(missed)
      .map(([, wanted]) => wanted)
      .sort(),
  )
  for (const { nodes, reason, share } of found) {
    expect(nodes).toBe(1)
    expect(reason).toMatch(/\w+ \w+/)
    expect(share).toBeGreaterThan(0)
  }
})

it('leaves what reached its kernel alone, and tells which products can saturate', async () => {
  const found = await kernels(Object.values(reached))
  expect(found.missed).toEqual([])
  expect(found.portability).toMatchObject({ products: 2, unknown: 0 })
  for (const { sums, of } of found.portability.saturating) {
    // of uniform codes a quarter: two of one sign whose sizes add up to more than 128
    expect(sums / of).toBeGreaterThan(0.2)
    expect(of).toBe((SIZE / 2) * SIZE)
  }
})
