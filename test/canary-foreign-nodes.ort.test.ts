/**
 * Foreign graphs survive every pass and every lowering: an `If` whose branches capture outer values, which
 * rules rename or replace around it, and a node of a domain nobody knows, untouched to its attributes.
 *
 * ONNX Runtime runs the graph without the unknown node; with it, the verifier and the nodes are the judge.
 */
import { describe, expect, it } from 'vitest'
import { float, graphAttribute, int, ints, strings } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { HostTensor } from '../src/graph/data-type.ts'
import { type Graph, type Node, subgraphs, usedValues, type Value } from '../src/graph/graph.ts'
import { float32Tensor, floatScalar } from '../src/graph/tensor.ts'
import { memoryFiles } from '../src/onnx/file-access.ts'
import { tensorReader } from '../src/onnx/materialize.ts'
import { readOnnx } from '../src/onnx/read-onnx.ts'
import { onnxBytes } from '../src/onnx/write-onnx.ts'
import { verifyGraph } from '../src/ops/verify.ts'
import { runPasses } from '../src/passes/pass.ts'
import { loweringOpset, pipeline } from '../src/passes/pipelines.ts'
import { raise } from '../src/passes/raise/raise.ts'
import { openInline } from '../src/runtime/open-inline.ts'
import { expectOutputs } from './support/tensors.ts'

const WIDTH = 64
const { read } = tensorReader()
const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(from + i * 1.3) / 8)

/** `MatMul(x, Transpose(W)) + b`, large enough for INT8. */
function linear(b: GraphBuilder, name: string, x: Value): Value {
  const weight = b.parameter({ name }, float32Tensor(numbers(WIDTH * WIDTH), [WIDTH, WIDTH]))
  const bias = b.parameter({ name: `${name}.bias` }, float32Tensor(numbers(WIDTH, 7)))
  return b.op('Add', [
    b.op('MatMul', [x, b.op('Transpose', [weight], { perm: ints([1, 0]) })]),
    bias,
  ])
}

/** A branch whose builder may use outer values at will. */
function branch(body: (b: GraphBuilder) => Value): Graph {
  const b = new GraphBuilder('branch')
  b.output('result', body(b))
  return b.build()
}

/**
 * The branches capture what each rule replaces: an identity, equal expressions, a transpose of a transpose,
 * a folded constant, a linear layer's result, a graph input, a parameter; one of them two levels deep.
 */
function foreignGraph(thing: boolean): Graph {
  const b = new GraphBuilder('foreign')
  const x = b.input('x', 'float32', ['batch', 'tokens', WIDTH])
  const flag = b.input('flag', 'bool', [])
  const projected = linear(b, 'first', x)
  const same = b.op('Identity', [projected])
  const [left, right] = [b.op('Tanh', [same]), b.op('Tanh', [projected])]
  const turn = { perm: ints([0, 2, 1]) }
  const back = b.op('Transpose', [b.op('Transpose', [left], turn)], turn)
  const two = b.op('Add', [b.constant(floatScalar(1)), b.constant(floatScalar(1))])
  const scale = b.parameter({ name: 'scale' }, float32Tensor([1.5]))
  const inner = {
    then_branch: graphAttribute(branch((i) => i.op('Mul', [right, scale]))),
    else_branch: graphAttribute(branch(() => same)),
  }
  const attributes = {
    then_branch: graphAttribute(
      branch((t) => t.op('Add', [t.op('If', [flag], inner), t.op('Mul', [back, two])])),
    ),
    else_branch: graphAttribute(branch((e) => e.op('Sub', [e.op('Identity', [x]), same]))),
  }
  const chosen = b.op('If', [flag], attributes, { name: 'chosen' })
  if (thing) b.output('z', b.op('Relu', [unknownNode(b, b.op('Identity', [same]), chosen)]))
  b.output('y', linear(b, 'second', b.op('Identity', [chosen])))
  return b.build()
}

const settings = {
  alpha: float(0.5),
  count: int(3),
  names: strings(['a', 'b']),
  body: graphAttribute(branch((b) => b.op('Identity', [b.constant(floatScalar(2))]))),
}
function unknownNode(b: GraphBuilder, ...inputs: Value[]): Value {
  b.opset('my.domain', 3)
  const [first, second] = b.scope('custom', () =>
    b.ops('Thing', [inputs[0], undefined, inputs[1]], 2, settings, { domain: 'my.domain' }),
  )
  b.output('second', second!)
  return first!
}

const lowerings = ['exported', 'portable', 'cpu'] as const
const variants = lowerings.flatMap((lowering) => [
  { lowering, quantize: undefined },
  { lowering, quantize: { scheme: 'dynamic-int8', weightBits: 7 } as const },
])
const nodesOf = (graph: Graph): Node[] => [
  ...graph.nodes,
  ...graph.nodes.flatMap((node) => subgraphs(node).flatMap(nodesOf)),
]

describe('a node of an unknown domain', () => {
  const graph = foreignGraph(true)
  const steps = variants.flatMap(({ lowering, quantize }) =>
    [...raise(read), ...pipeline({ lowering, quantize, read })].map((pass) => ({ lowering, pass })),
  )
  it.each(steps)('is untouched by $pass.name ($lowering)', ({ pass }) => {
    expectUntouched(verifyGraph(pass.apply(graph)))
  })
  it.each(variants)('is untouched by all of $lowering, INT8 $quantize', (options) => {
    const passes = [...raise(read), ...pipeline({ ...options, read })]
    expectUntouched(verifyGraph(runPasses(graph, passes).graph))
  })

  it('comes back from a file as it was', () => {
    const bytes = onnxBytes(graph)
    const back = readOnnx('m.onnx', memoryFiles(new Map([['m.onnx', bytes]])))
    const [thing] = back.nodes.filter((node) => node.op === 'Thing')
    expect(thing!.inputs[1]).toBeUndefined()
    expect(thing!.attributes.names).toEqual(settings.names)
    expect(back.opsets.get('my.domain')).toBe(3)
  })

  function expectUntouched(result: Graph): void {
    const things = result.nodes.filter((node) => node.op === 'Thing')
    expect(things).toHaveLength(1)
    const [thing] = things
    expect(thing).toMatchObject({ domain: 'my.domain', origin: 'custom' })
    expect(thing!.attributes).toBe(graph.nodes.find((node) => node.op === 'Thing')!.attributes)
    expect(thing!.inputs.map((input) => input !== undefined)).toEqual([true, false, true])
    expect(thing!.outputs).toHaveLength(2)
    expect(result.opsets.get('my.domain')).toBe(3)
    expect(result.outputs.map((port) => port.name)).toEqual(['second', 'z', 'y'])
  }
})

describe('an If that captures outer values', () => {
  const graph = foreignGraph(false)
  const run = async (lowered: Graph, flag: boolean, opset: number) => {
    const data = Float32Array.from(numbers(2 * 3 * WIDTH, 3))
    const feeds: Record<string, HostTensor> = {
      x: { dtype: 'float32', shape: [2, 3, WIDTH], data },
      flag: { dtype: 'bool', shape: [], data: Uint8Array.of(Number(flag)) },
    }
    const bytes = onnxBytes(lowered, { opset })
    const engine = await openInline(bytes, { threads: 1, optimization: 'disabled' })
    try {
      return await engine.run(feeds)
    } finally {
      await engine.release()
    }
  }

  it.each(variants)('gives the same through $lowering, INT8 $quantize', async (options) => {
    const opset = loweringOpset[options.lowering]
    for (const flag of [true, false]) {
      const expected = await run(graph, flag, 24)
      for (const pass of [...raise(read), ...pipeline({ ...options, read })]) {
        const one = verifyGraph(pass.apply(graph))
        const exact = !options.quantize || pass.name.startsWith('quantize')
        expectOutputs(await run(one, flag, 24), expected, exact ? 1e-5 : 0.05)
      }
      const passes = [...raise(read), ...pipeline({ ...options, read })]
      const { graph: lowered } = runPasses(graph, passes)
      expectOutputs(
        await run(verifyGraph(lowered), flag, opset),
        expected,
        options.quantize ? 0.05 : 1e-5,
      )
    }
  })

  it('reads what took the place of captured values', () => {
    const { graph: result } = runPasses(graph, pipeline({ lowering: 'cpu', read }))
    const ops = nodesOf(result).map((node) => node.op)
    // identities and both transposes are gone, in the branches too
    expect(ops.filter((op) => op === 'Identity' || op === 'Transpose')).toEqual([])
    expect(ops.filter((op) => op === 'Tanh')).toHaveLength(1)
    expect(ops.filter((op) => op === 'Gemm')).toHaveLength(2)
    const made = new Set([
      ...result.inputs.map((port) => port.value),
      ...result.weights.keys(),
      ...result.nodes.flatMap((node) => node.outputs),
    ])
    const [chosen] = result.nodes.filter((node) => node.op === 'If')
    const captured = usedValues(chosen!)
    expect(captured.length).toBeGreaterThan(6)
    expect(captured.every((value) => made.has(value))).toBe(true)
  })
})
