/** Tensors that stay with their graphs: here, and in a process of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { withSealedOutputs } from '../onnx/sealed-outputs.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { openStore, type ProcessStore } from './open-store.ts'
import { TensorStore } from './tensor-store.ts'

let folder: string
const file = (name: string) => join(folder, name)
const floats = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
})
const values = (tensor: HostTensor | undefined) => Array.from(tensor!.data as Float32Array)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limbeck-store-'))
  // sum' = sum + x, last' = x; total = Σ sum'
  const step = new GraphBuilder('step')
  const [sum, x] = [step.input('sum', 'float32', ['n']), step.input('x', 'float32', ['n'])]
  const next = step.op('Add', [sum, x])
  step.output('total', step.op('ReduceSum', [next]))
  step.output('sum_next', next)
  step.output('last_next', step.op('Identity', [x]))
  writeFileSync(file('step.onnx'), onnxBytes(step.build()))
  writeFileSync(file('sealed.onnx'), onnxBytes(withSealedOutputs(step.build())))
  const look = new GraphBuilder('look')
  look.output('negated', look.op('Neg', [look.input('s', 'float32', ['n'])]))
  writeFileSync(file('look.onnx'), onnxBytes(look.build()))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bindings = {
  inputs: { sum: 'sum' },
  outputs: { sum_next: 'sum', last_next: 'last' },
}

it.each([
  [undefined, Math.fround(1e-40)],
  [{ 'session.set_denormal_as_zero': '1' }, 0],
])('computes on numbers that are denormal as its first session says: %j', async (config, kept) => {
  const store = openStore('denormals')
  for (const name of ['sum', 'last']) await store.put(name, floats(0))
  const options = { ...(config && { config }), threads: 2 }
  const step = await store.load('step', file('step.onnx'), bindings, options)
  const { outputs } = await step.step({ x: floats(1e-40) })
  expect(outputs.total!.data[0]).toBe(kept)
  await store.end()
})

describe('a store', () => {
  let store: ProcessStore
  beforeAll(() => {
    store = openStore('the store')
  })
  afterAll(() => store.end())

  it('keeps what a graph writes, for itself and for others', async () => {
    await store.put('sum', floats(1, 2))
    await store.zero({ last: [2] })
    const step = await store.load('step', file('step.onnx'), bindings)
    expect(step.inputs.map(({ name }) => name)).toEqual(['x'])
    expect(step.outputs.map(({ name }) => name)).toEqual(['total'])
    const look = await store.load('look', file('look.onnx'), { inputs: { s: 'sum' }, outputs: {} })
    for (const n of [1, 2, 3]) {
      const { outputs, ms } = await step.step({ x: floats(n, 10 * n) })
      expect(ms).toBeGreaterThan(0)
      expect(Object.keys(outputs)).toEqual(['total'])
    }
    expect(values(await store.get('sum'))).toEqual([7, 62])
    expect(values(await store.get('last'))).toEqual([3, 30])
    expect(values((await look.run({})).negated)).toEqual([-7, -62])
    await store.zero({ sum: [2], last: [2] })
    expect(values((await look.run({})).negated)).toEqual([-0, -0])
    await store.put('sum', floats(5, 5))
    expect(values((await look.run({})).negated)).toEqual([-5, -5])
    expect((await store.memory()).rss).toBeGreaterThan(0)
  })

  it.each([
    'step.onnx',
    'sealed.onnx',
  ])('keeps the old values where the run gave no finite number: %s', async (name) => {
    await store.put('sum', floats(1, 2))
    await store.put('last', floats(0, 0))
    const step = await store.load('step', file(name), bindings)
    const { outputs } = await step.step({ x: floats(Number.NaN, 1) }, { unless: 'total' })
    expect(values(outputs.total)).toEqual([Number.NaN])
    expect(values(await store.get('sum'))).toEqual([1, 2])
    await step.step({ x: floats(1, 1) }, { unless: 'total' })
    expect(values(await store.get('sum'))).toEqual([2, 3])
  })

  it('names what it has not', async () => {
    await expect(store.get('nothing')).rejects.toThrow('nothing: no such tensor')
    await expect(store.load('bad', file('none.onnx'), bindings)).rejects.toThrow(
      'bad: ONNX Runtime cannot load it',
    )
    const step = await store.load('step', file('step.onnx'), bindings)
    await expect(step.step({})).rejects.toThrow("step: input 'x' is missing")
  })

  it('dies at once when it is cancelled', async () => {
    const controller = new AbortController()
    const own = openStore('own', controller.signal)
    await own.put('sum', floats(1))
    controller.abort()
    await expect(own.get('sum')).rejects.toThrow('cancelled')
    await own.end()
  })
})

it('copies no output of a graph whose outputs are sealed', async () => {
  const store = new TensorStore()
  const n = 4_000_000
  const big = (): HostTensor => ({ dtype: 'float32', shape: [n], data: new Float32Array(n) })
  await store.put('sum', big())
  await store.put('last', big())
  const ports = await store.load('step', file('sealed.onnx'), bindings, { threads: 1 })
  expect(ports.outputs.map(({ name }) => name)).toEqual(['total'])
  const feeds = { x: { ...big(), data: new Float32Array(n).fill(1) } }
  // both memories of a tensor are touched
  for (let i = 0; i < 2; i++) await store.run('step', feeds)
  const before = process.memoryUsage()
  for (let i = 0; i < 10; i++) {
    const { outputs } = await store.run('step', feeds, { outputs: ['total'], unless: 'total' })
    expect(values(outputs.total)).toEqual([(i + 3) * n])
  }
  // fresh copies would be twice 16 MB a run
  const { arrayBuffers, rss } = process.memoryUsage()
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(1e6)
  expect(rss - before.rss).toBeLessThan(16e6)
  expect(store.get('sum').data[n - 1]).toBe(12)
  await expect(store.run('step', { x: floats(1, 2, 3) })).rejects.toThrow('the run failed')
  await store.release()
})

it('a store in this process frees the copies that nobody reads', async () => {
  const store = new TensorStore()
  const n = 4_000_000
  const big = (): HostTensor => ({ dtype: 'float32', shape: [n], data: new Float32Array(n) })
  await store.put('sum', big())
  await store.put('last', big())
  await store.load('step', file('step.onnx'), bindings, { threads: 1 })
  const feeds = { x: { ...big(), data: new Float32Array(n).fill(1) } }
  await store.run('step', feeds)
  await store.run('step', feeds)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 10; i++) await store.run('step', feeds)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * n)
  expect(store.get('sum').data[n - 1]).toBe(12)
  await store.release()
})
