/** Common subexpressions: what is the same and pure is computed once; what only looks the same stays. */
import { describe, expect, it } from 'vitest'
import { graphAttribute, int, strings } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { emptyGraph, type Graph, type Value } from '../graph/graph.ts'
import { opKey } from '../graph/rewrite.ts'
import { float32Tensor, floatScalar, type Tensor } from '../graph/tensor.ts'
import { mergeCommon } from './merge-common.ts'

/** Merges a graph in which `build` writes something twice, and adds up the two. */
function merged(build: (b: GraphBuilder, x: Value, time: 0 | 1) => Value): Graph {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', [2])
  b.output('y', b.op('Sub', [build(b, x, 0), build(b, x, 1)]))
  return mergeCommon.apply(b.build())
}
const opsOf = (graph: Graph): string[] => graph.nodes.map(opKey)

describe('merges', () => {
  it('chains of equal nodes on equal constants', () => {
    const graph = merged((b, x) => b.op('Exp', [b.op('Add', [x, b.constant(floatScalar(1))])]))
    expect(opsOf(graph)).toEqual(['Add', 'Exp', 'Sub'])
    expect(graph.weights.size).toBe(1)
  })

  it('attributes in another order, all outputs of a node', () => {
    const graph = merged((b, x, time) => {
      const [axis, keepdims] = [int(0), int(1)]
      const attributes = time ? { axis, keepdims } : { keepdims, axis }
      return b.ops('TopK', [x], 2, attributes)[1]!
    })
    expect(opsOf(graph)).toEqual(['TopK', 'Sub'])
    expect(graph.nodes[1]!.inputs).toEqual([graph.nodes[0]!.outputs[1], graph.nodes[0]!.outputs[1]])
  })

  it('weights at one place of one file', () => {
    const source = { kind: 'file', path: 'w', offset: 8, length: 8 } as const
    const at = (offset: number): Tensor => ({
      dtype: 'float32',
      shape: [2],
      source: { ...source, offset },
    })
    expect(opsOf(merged((b, x) => b.op('Mul', [x, b.constant(at(8))])))).toHaveLength(2)
    expect(opsOf(merged((b, x, t) => b.op('Mul', [x, b.constant(at(8 * t))])))).toHaveLength(3)
  })

  it('moves taps, outputs and captured values to what is kept', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', [2])
    const flag = b.input('flag', 'bool', [])
    const [first, second] = [b.op('Exp', [x]), b.op('Exp', [x])]
    b.tap('second', second)
    const branch: Graph = { ...emptyGraph('b'), outputs: [{ name: 'o', value: second }] }
    const attributes = { then_branch: graphAttribute(branch), else_branch: graphAttribute(branch) }
    b.output('y', b.op('If', [flag], attributes))
    b.output('z', second)
    const graph = mergeCommon.apply(b.build())
    expect(graph.taps.get('second')).toBe(first)
    expect(graph.outputs[1]!.value).toBe(first)
    const then = graph.nodes[1]!.attributes.then_branch!.value as Graph
    expect(then.outputs[0]!.value).toBe(first)
  })
})

describe('keeps apart', () => {
  const branch: Graph = { ...emptyGraph('b') }
  const cases: Record<string, (b: GraphBuilder, x: Value, time: 0 | 1) => Value> = {
    'random operators': (b, x) => b.op('RandomNormalLike', [x]),
    'random masks': (b, x) => b.op('Dropout', [x]),
    'operators of unknown domains': (b, x) => b.op('Thing', [x], {}, { domain: 'my.domain' }),
    'the same name in two domains': (b, x, t) =>
      b.op('Gelu', [x], {}, { domain: t ? 'com.microsoft' : '' }),
    'nodes with subgraphs': (b, x) => b.op('If', [x], { then_branch: graphAttribute(branch) }),
    'other attributes': (b, x, t) => b.op('Softmax', [x], { axis: int(t) }),
    'an attribute and its absence': (b, x, t) => b.op('Softmax', [x], t ? {} : { axis: int(-1) }),
    'lists that are written alike': (b, x, t) =>
      b.op('Label', [x], { keys: strings(t ? ['a,b'] : ['a', 'b']) }),
    'swapped inputs': (b, x, t) => {
      const half = b.constant(floatScalar(0.5))
      return b.op('Div', t ? [half, x] : [x, half])
    },
    'an input more': (b, x, t) => b.op('Clip', t ? [x, x] : [x, undefined, x]),
    'parameters of equal values': (b, x, t) =>
      b.op('Mul', [x, b.parameter({ name: `p${t}` }, floatScalar(2))]),
    'constants of another shape': (b, x, t) =>
      b.op('Mul', [x, b.constant(float32Tensor([2], t ? [] : [1]))]),
    'notes on quantization': (b, x, t) => b.op('Exp', [x], {}, t ? { quantization: note } : {}),
  }
  const note = { scheme: 'dynamic', bits: 8, weightBits: 7, granularity: 'column' } as const
  it.each(Object.entries(cases))('%s', (_, build) => {
    expect(opsOf(merged(build))).toHaveLength(3)
  })

  it('and gives the same object back when nothing is twice', () => {
    const b = new GraphBuilder('g')
    b.output('y', b.op('Exp', [b.op('Exp', [b.input('x', 'float32', [2])])]))
    const graph = b.build()
    expect(mergeCommon.apply(graph)).toBe(graph)
  })
})
