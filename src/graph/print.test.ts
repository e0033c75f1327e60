/** The text form of graphs, golden: every kind of input, attribute, note, type and subgraph. */
import { expect, it } from 'vitest'
import { float, graphAttribute, int, ints, string, tensorAttribute } from './attributes.ts'
import { GraphBuilder } from './builder.ts'
import { emptyGraph, type Graph } from './graph.ts'
import { printGraph, typeText } from './print.ts'
import { float32Tensor, floatScalar, inlineTensor, int64Tensor } from './tensor.ts'

function sample(names: (name: string) => string = (name) => name): Graph {
  const b = new GraphBuilder('sample')
  const x = b.input('x', 'float32', ['batch', null, 3])
  const weight = b.parameter({ name: 'layer.weight' }, float32Tensor(Array(32).fill(0), [4, 8]))
  const shape = b.constant(int64Tensor([0, -1]), names('shape'))
  const flags = b.constant(inlineTensor('bool', [2], Uint8Array.of(1, 0)), names('flags'))
  const [first, second] = b.scope('layer', () =>
    b.ops('Split', [x, shape], 2, { axis: int(1), perm: ints([1, 0]), name: string('s') }),
  )
  const half = b.constant(floatScalar(0.5), names('half'))
  const quantization = {
    scheme: 'dynamic',
    bits: 8,
    weightBits: 7,
    granularity: 'column',
  } as const
  const product = b.op('MatMul', [second, weight], {}, { quantization, name: names('product') })
  const clip = b.op('Clip', [product, undefined, half], { alpha: float(0.25) })
  const fill = b.op('Thing', [flags], { value: tensorAttribute(floatScalar(1)) }, { domain: 'my' })
  const branch: Graph = {
    ...emptyGraph('then'),
    nodes: [
      {
        op: 'Relu',
        domain: '',
        inputs: [clip],
        outputs: [{ name: 'r' }],
        attributes: {},
        origin: '',
      },
    ],
    outputs: [{ name: 'o', value: clip }],
  }
  b.output('y', b.op('If', [fill], { then_branch: graphAttribute(branch) }))
  b.output('first', first!)
  return b.build()
}

it('prints one line a node', () => {
  expect(printGraph(sample())).toMatchInlineSnapshot(`
    "graph sample (x: float32[batch,?,3]) -> y, first
    %5, %6 = Split(x, int64[2]{0,-1}, axis=1, perm=[1,0], name=s)  # layer
    %7 = MatMul(%6, layer.weight) @dynamic-7
    %8 = Clip(%7, _, float32[]{0.5}, alpha=0.25)
    %9 = my::Thing(bool[2]{1,0}, value=float32[])
    %10 = If(%9)
      graph then () -> o
      %11 = Relu(%8)
      return %8
    return %10, %5"
  `)
})

it('does not depend on the names of inner values', () => {
  expect(printGraph(sample((name) => `${name}_renamed`))).toBe(printGraph(sample()))
})

it('marks what nothing defines', () => {
  const value = { name: 'lost' }
  const graph = { ...emptyGraph('g'), outputs: [{ name: 'y', value }] }
  expect(printGraph(graph)).toBe('graph g () -> y\nreturn <undefined>')
})

it('writes types', () => {
  expect(typeText({ dtype: 'int64', shape: ['batch', null, 2] })).toBe('int64[batch,?,2]')
  expect(typeText({ dtype: 'int64', shape: [] })).toBe('int64[]')
  expect(typeText({ dtype: 'bool' })).toBe('bool')
  expect(typeText(undefined)).toBe('?')
})
