import { describe, expect, it } from 'vitest'
import type { Graph, Node, Value } from '../graph/graph.ts'
import { GraphBuilder, graphAttribute } from '../graph/index.ts'
import { verifyGraph } from './verify.ts'

const node = (op: string, inputs: (Value | undefined)[], output: Value, attributes = {}): Node => ({
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
  origin: 'encoder.layer.0',
})
const value = (name: string): Value => ({ name })

function sample(): { graph: Graph; x: Value; y: Value } {
  const b = new GraphBuilder('sample')
  const x = b.input('x', 'float32', ['n', 4])
  const y = b.op('Relu', [x], {}, { name: 'relu' })
  b.output('y', y)
  return { graph: b.build(), x, y }
}
const broken =
  (change: Partial<Graph>, graph = sample().graph) =>
  () =>
    verifyGraph({ ...graph, ...change })

describe('verifyGraph', () => {
  it('gives a sound graph back', () => {
    const { graph } = sample()
    expect(verifyGraph(graph)).toBe(graph)
  })

  it('says where something is read before it is written, in subgraphs too', () => {
    const { graph, x } = sample()
    const late = value('late')
    const nodes = [node('Tanh', [late], value('t')), node('Abs', [x], late)]
    expect(broken({ nodes, outputs: [] }, graph)).toThrow(
      "Graph 'sample': Tanh 't' of encoder.layer.0 reads 'late', which nothing before it writes.",
    )
    const inner = new GraphBuilder('branch')
    inner.output('z', inner.op('Abs', [late], {}, { name: 'z' }))
    const branch = graphAttribute(inner.build())
    const either = node('If', [x], value('e'), { then_branch: branch, else_branch: branch })
    expect(broken({ nodes: [either], outputs: [] }, graph)).toThrow(
      "Graph 'branch': Abs 'z' reads 'late', which nothing before it writes.",
    )
  })

  it('says what is written twice, and what outputs nothing writes', () => {
    const { graph, x, y } = sample()
    expect(broken({ nodes: [...graph.nodes, node('Abs', [x], y)] }, graph)).toThrow(
      "value 'relu' is written twice, the second time by Abs 'relu' of encoder.layer.0.",
    )
    expect(broken({ nodes: [] }, graph)).toThrow("output 'y' is 'relu', which nothing writes.")
    expect(broken({ outputs: [...graph.outputs, ...graph.outputs] }, graph)).toThrow(
      "two outputs are named 'y'.",
    )
  })

  it('knows how many inputs and outputs an operator has', () => {
    const { graph, x } = sample()
    expect(broken({ nodes: [node('MatMul', [x], value('m'))], outputs: [] }, graph)).toThrow(
      "MatMul 'm' of encoder.layer.0 has 1 inputs, expected 2.",
    )
    const two = { ...node('Relu', [x], value('a')), outputs: [value('a'), value('b')] }
    expect(broken({ nodes: [two], outputs: [] }, graph)).toThrow('has 2 outputs, expected 1.')
    expect(broken({ nodes: [node('Split', [], value('s'))], outputs: [] }, graph)).toThrow(
      'has 0 inputs, expected 1 to 2.',
    )
  })

  it('names operator and shapes of a contradiction, inferred or declared', () => {
    const { graph, x } = sample()
    const bad = node('MatMul', [x, x], value('m'))
    const input = { ...x, type: { dtype: 'float32', shape: [3, 4] } } as const
    const typed = {
      inputs: [{ name: 'x', value: input }],
      nodes: [{ ...bad, inputs: [input, input] }],
      outputs: [],
    }
    expect(broken(typed, graph)).toThrow(
      "MatMul 'm' of encoder.layer.0 (float32[3, 4], float32[3, 4]): [3, 4] times [3, 4]: 4 against 3.",
    )
    const declared: Value = { name: 'd', type: { dtype: 'float32', shape: [5, 5] } }
    const nodes = [node('Relu', [x], declared)]
    expect(broken({ nodes, outputs: [] }, graph)).toThrow(
      "Relu 'd' of encoder.layer.0 (float32[n, 4]): d is declared [5, 5] and comes out [n, 4].",
    )
  })

  it('takes unknown operators as they are', () => {
    const { graph, x } = sample()
    const custom = { ...node('Magic', [x, x, undefined], value('m')), domain: 'com.example' }
    expect(broken({ nodes: [custom], outputs: [] }, graph)).not.toThrow()
  })
})
