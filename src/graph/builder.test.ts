/** The builder: origins from scopes, parameters once, names as hints, everything in the built graph. */
import { expect, it } from 'vitest'
import { GraphBuilder } from './builder.ts'
import { CANONICAL_OPSET } from './graph.ts'
import { float32Tensor, int64Tensor } from './tensor.ts'

it('gives nodes the module path of their scope, also after a body that threw', () => {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', [2])
  b.scope('encoder', () => b.scope('layer.0', () => b.op('Relu', [x])))
  expect(() =>
    b.scope('broken', () => {
      throw new Error('stop')
    }),
  ).toThrow('stop')
  b.op('Exp', [x])
  b.op('Log', [x], {}, { origin: 'given', name: 'result' })
  const { nodes } = b.build()
  expect(nodes.map((node) => node.origin)).toEqual(['encoder.layer.0', '', 'given'])
  expect(nodes.map((node) => node.outputs[0]!.name)).toEqual([
    'encoder.layer.0.Relu',
    'Exp',
    'result',
  ])
})

it('keeps a parameter once by its name, and constants apart', () => {
  const b = new GraphBuilder('g')
  const tensor = float32Tensor([1, 2])
  const first = b.parameter({ name: 'w', tie: 'words' }, tensor)
  expect(b.parameter({ name: 'w' }, float32Tensor([3]))).toBe(first)
  expect(b.constant(tensor)).not.toBe(b.constant(tensor))
  const { weights } = b.build()
  expect(weights.size).toBe(3)
  expect(weights.get(first)).toEqual({ tensor, parameter: { name: 'w', tie: 'words' } })
  expect(first.type).toEqual({ dtype: 'float32', shape: [2] })
})

it('writes ports, outputs of one node, taps, properties and opsets', () => {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'int64', ['batch'])
  const [values, indices] = b.ops('TopK', [x, b.int64s([1])], 2, {}, { domain: 'my' })
  b.output('y', values!)
  b.tap('indices', indices!)
  b.property('limbeck.padding', 'right')
  b.opset('my', 3)
  const graph = b.build()
  expect(graph.inputs).toEqual([{ name: 'x', value: x }])
  expect(graph.outputs).toEqual([{ name: 'y', value: values }])
  expect(graph.nodes[0]!.outputs).toEqual([values, indices])
  expect(graph.taps.get('indices')).toBe(indices)
  expect([...graph.metadata]).toEqual([['limbeck.padding', 'right']])
  expect([...graph.opsets]).toEqual([
    ['', CANONICAL_OPSET],
    ['my', 3],
  ])
  expect([...graph.weights.values()].map(({ tensor }) => tensor)).toEqual([int64Tensor([1])])
})
