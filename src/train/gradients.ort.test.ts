/**
 * Every gradient row against finite differences in ONNX Runtime, from the table of cases: with static
 * shapes, and with every dimension a symbol. A row without a case that it can be checked on fails.
 */
import { describe, expect, it } from 'vitest'
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { inlineTensor } from '../graph/tensor.ts'
import { onnxBytes } from '../onnx/write-onnx.ts'
import { gradTable } from '../ops/grad/grad-table.ts'
import { knownOps } from '../ops/known.ts'
import { caseGraph, type OpCase } from '../ops/testing/op-case.ts'
import { opCases } from '../ops/testing/op-cases.ts'
import { verifyGraph } from '../ops/verify.ts'
import { openInline } from '../runtime/open-inline.ts'
import { randomFrom } from '../stats/random.ts'
import { backward } from './backward.ts'

const open = (graph: Graph) =>
  openInline(onnxBytes(graph), { threads: 1, optimization: 'disabled' })
type Run = (feeds: Record<string, HostTensor>) => Promise<Record<string, HostTensor>>

/** Weights of the outputs' elements in the loss, so that no symmetry hides a mistake. */
const lossWeights = (outputs: Record<string, HostTensor>, wanted: readonly string[]) => {
  const random = randomFrom(11)
  return new Map(
    wanted.map((name) => [
      name,
      Array.from({ length: outputs[name]!.data.length }, () => 0.5 + random.uniform()),
    ]),
  )
}

function lossOf(outputs: Record<string, HostTensor>, weights: Map<string, number[]>): number {
  let sum = 0
  for (const [name, row] of weights) {
    const data = outputs[name]!.data as Float32Array
    row.forEach((weight, i) => {
      sum += weight * data[i]!
    })
  }
  return sum
}

const isFloat = (tensor: HostTensor) => tensor.dtype === 'float32' || tensor.dtype === 'float64'
const moved = (tensor: HostTensor, at: number, by: number): HostTensor => {
  const data = tensor.data.slice() as Float32Array
  data[at] = data[at]! + by
  return { ...tensor, data }
}

/** Central differences at h and h/2, extrapolated (Richardson): error O(h⁴). */
async function differences(
  run: Run,
  feeds: Record<string, HostTensor>,
  input: string,
  loss: (outputs: Record<string, HostTensor>) => number,
): Promise<number[]> {
  const tensor = feeds[input]!
  const slope = async (at: number, h: number) => {
    const [up, down] = [moved(tensor, at, h), moved(tensor, at, -h)]
    const actual = Number(up.data[at]) - Number(down.data[at])
    const high = loss(await run({ ...feeds, [input]: up }))
    return (high - loss(await run({ ...feeds, [input]: down }))) / actual
  }
  const found: number[] = []
  for (let at = 0; at < tensor.data.length; at++) {
    const [wide, near] = [await slope(at, 0.02), await slope(at, 0.01)]
    found.push((4 * near - wide) / 3)
  }
  return found
}

/** The graph with a weighted sum of its outputs as loss, and the loss's gradients as outputs. */
function withGradients(
  op: string,
  test: OpCase,
  weights: Map<string, number[]>,
  shapes: Record<string, HostTensor>,
  wrt: readonly number[],
  symbols: 'all' | 'batch' | 'none',
): Graph {
  const { graph, values } = caseGraph(op, test, symbols)
  const b = new GraphBuilder('loss')
  let loss: Value | undefined
  for (const [name, row] of weights) {
    const { value } = graph.outputs.find((port) => port.name === name)!
    const { dtype, shape } = shapes[name]!
    const data = dtype === 'float64' ? Float64Array.from(row) : Float32Array.from(row)
    const scaled = b.op('Mul', [value, b.constant(inlineTensor(dtype, [...shape], data))])
    const part = b.op('Cast', [b.op('ReduceSum', [scaled], { keepdims: int(0) })], { to: int(1) })
    loss = loss ? b.op('Add', [loss, part]) : part
  }
  const added = b.build()
  const forward: Graph = {
    ...graph,
    nodes: [...graph.nodes, ...added.nodes],
    weights: new Map([...graph.weights, ...added.weights]),
  }
  const asked = wrt.map((i) => values[i]!)
  const { graph: both, gradients } = backward(forward, loss!, asked)
  const outputs = wrt.flatMap((i, k) => {
    const value = gradients.get(asked[k]!)
    return value ? [{ name: `d${i}`, value }] : []
  })
  return verifyGraph({ ...both, outputs })
}

async function check(op: (typeof knownOps)[number], test: OpCase): Promise<number> {
  const { graph, feeds } = caseGraph(op, test)
  const names = (test.differentiable ?? [0]).map((i) => `y${i}`)
  const engine = await open(graph)
  const run: Run = (next) => engine.run(next)
  const outputs = await run(feeds)
  const floats = names.filter((name) => isFloat(outputs[name]!))
  const wrt =
    test.wrt ??
    test.inputs.flatMap((input, i) =>
      input && !input.fixed && isFloat(feeds[`x${i}`]!) ? [i] : [],
    )
  if (floats.length === 0 || wrt.length === 0) {
    await engine.release()
    return 0
  }
  const weights = lossWeights(outputs, floats)
  const expected = new Map<number, number[]>()
  for (const i of wrt) {
    expected.set(i, await differences(run, feeds, `x${i}`, (got) => lossOf(got, weights)))
  }
  await engine.release()
  for (const symbols of new Set(['none', test.symbols ?? 'all'] as const)) {
    const trained = await open(withGradients(op, test, weights, outputs, wrt, symbols))
    const got = await trained.run(feeds)
    await trained.release()
    for (const [i, slopes] of expected) {
      const gradient = got[`d${i}`]
      expect(gradient, `gradient of input ${i}`).toBeDefined()
      expect(gradient!.shape).toEqual(feeds[`x${i}`]!.shape)
      const scale = Math.max(...slopes.map(Math.abs), 0.1)
      slopes.forEach((slope, k) => {
        const error = Math.abs(Number(gradient!.data[k]) - slope) / scale
        expect(error, `input ${i} [${k}]: ${gradient!.data[k]} against ${slope}`).toBeLessThan(1e-3)
      })
    }
  }
  return wrt.length
}

const rows = knownOps.filter((op) => typeof gradTable[op] === 'function')

describe.each(rows)('gradient of %s', (op) => {
  it('agrees with finite differences in every case', async () => {
    let checked = 0
    for (const test of opCases[op]) {
      try {
        checked += await check(op, test)
      } catch (error) {
        throw new Error(`${test.about ?? 'plain'}: ${(error as Error).message}`, { cause: error })
      }
    }
    expect(checked).toBeGreaterThan(0)
  })
})

describe('rows that pass gradients straight on', () => {
  const rounding = knownOps.filter((op) => 'straightThrough' in gradTable[op])
  it('are rounding and its opposite, as a pair', () => {
    expect(rounding).toEqual(['QuantizeLinear', 'DequantizeLinear'])
    const b = new GraphBuilder('pair')
    const x = b.input('x', 'float32', ['n'])
    const scale = b.constant(inlineTensor('float32', [], Float32Array.of(0.1)))
    const zero = b.constant(inlineTensor('uint8', [], Uint8Array.of(128)))
    const codes = b.op('QuantizeLinear', [x, scale, zero])
    const y = b.op('Mul', [b.op('DequantizeLinear', [codes, scale, zero]), scale])
    const { graph, gradients } = backward(b.build(), b.op('ReduceSum', [y]), [x])
    const made = graph.nodes.find(({ outputs }) => outputs.includes(gradients.get(x)))
    expect(made?.op).toBe('Mul')
  })
})

describe('rows without a gradient', () => {
  const stopped = knownOps.filter((op) => 'stops' in gradTable[op])
  it.each(stopped)('%s lets nothing through', (op) => {
    for (const test of opCases[op]) {
      const { graph, values } = caseGraph(op, test)
      const b = new GraphBuilder('')
      const loss = b.op('ReduceSum', [b.op('Cast', [graph.outputs[0]!.value], { to: int(1) })])
      const nodes = [...graph.nodes, ...b.build().nodes]
      const wrt = values.filter((value): value is Value => value?.type?.dtype === 'float32')
      expect(backward({ ...graph, nodes }, loss, wrt).gradients.size).toBe(0)
    }
  })

  const refused = knownOps.filter((op) => 'nonDifferentiable' in gradTable[op])
  it.each(refused)('%s is refused by name and reason', (op) => {
    const { graph, values } = caseGraph(op, opCases[op][0]!)
    const wrt = values.filter(
      (value): value is Value => value?.type?.dtype.startsWith('float') ?? false,
    )
    const entry = gradTable[op] as { nonDifferentiable: string }
    const loss = graph.outputs.find((port) => port.value.type === undefined)!.value
    const float = [
      'If',
      'Loop',
      'DynamicQuantizeLinear',
      'QuantizeLinear',
      'MatMulInteger',
    ].includes(op)
    if (float || wrt.length === 0) return expect(entry.nonDifferentiable).not.toBe('')
    expect(() => backward(graph, loss, wrt)).toThrow(`: ${entry.nonDifferentiable}.`)
  })
})
