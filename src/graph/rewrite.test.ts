/**
 * The rewriter: fixed points, what follows a replaced value (ports, taps, notes, subgraphs), new nodes that
 * take over the old value, uses that are counted high, and time linear in nodes.
 */
import { describe, expect, it } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import { graphAttribute } from './attributes.ts'
import { GraphBuilder } from './builder.ts'
import { emptyGraph, type Graph, type Value } from './graph.ts'
import { printGraph } from './print.ts'
import { type NodeRule, opKey, rewrite } from './rewrite.ts'
import { newTrace } from './rewrite-trace.ts'
import { floatScalar } from './tensor.ts'

const dropIdentity: NodeRule = {
  name: 'drop-identity',
  anchors: ['Identity'],
  apply: (node) => [node.inputs[0]],
}
/** `from(x)` → `to(x)`. */
const rename = (from: string, to: string): NodeRule => ({
  name: `${from}-${to}`,
  anchors: [from],
  apply: (node, context) => [context.op(to, [node.inputs[0]])],
})

/** `x` through the operators, the last one the output `y`. */
function chain(...ops: string[]): { graph: Graph; values: Value[] } {
  const b = new GraphBuilder('chain')
  const values = [b.input('x', 'float32', ['n'])]
  for (const op of ops) values.push(b.op(op, [values.at(-1)]))
  b.output('y', values.at(-1)!)
  return { graph: b.build(), values }
}
const opsOf = (graph: Graph): string[] => graph.nodes.map(opKey)

describe('rewrite', () => {
  it('gives the same object back when no rule fires', () => {
    const { graph } = chain('Relu', 'Tanh')
    expect(rewrite(graph, [dropIdentity, rename('Exp', 'Log')])).toBe(graph)
  })

  it('sweeps to a fixed point, also against the order of the nodes', () => {
    // the last Exp becomes Log first, and only then does the one before it stand before a Log
    const beforeLog: NodeRule = {
      name: 'before-log',
      anchors: ['Exp'],
      apply(node, context) {
        const reader = context.graph.nodes.find((other) => other.inputs[0] === node.outputs[0])
        return reader && reader.op !== 'Log' ? undefined : [context.op('Log', [node.inputs[0]])]
      },
    }
    const trace = newTrace()
    const graph = rewrite(chain('Exp', 'Exp', 'Exp', 'Exp').graph, [beforeLog], { trace })
    expect(opsOf(graph)).toEqual(['Log', 'Log', 'Log', 'Log'])
    expect(trace.hits.get('before-log')).toBe(4)
  })

  it('stops after the given sweeps when rules never rest', () => {
    const swap = [rename('Exp', 'Log'), rename('Log', 'Exp')]
    expect(opsOf(rewrite(chain('Exp').graph, swap, { maxSweeps: 3 }))).toEqual(['Log'])
  })

  it('follows substitutions of substitutions', () => {
    const { graph, values } = chain('Identity', 'Identity', 'Identity', 'Relu', 'Identity')
    const result = rewrite(graph, [dropIdentity])
    expect(opsOf(result)).toEqual(['Relu'])
    expect(result.nodes[0]!.inputs).toEqual([values[0]])
    expect(result.outputs).toEqual([{ name: 'y', value: values[4] }])
  })

  it('lets a new node take over the very value it replaces, and keeps the origin', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['n'])
    const y = b.scope('encoder.layer.0', () => b.op('Exp', [x]))
    b.output('y', y)
    const [node] = rewrite(b.build(), [rename('Exp', 'Log')]).nodes
    expect(node!.outputs[0]).toBe(y)
    expect(node!.origin).toBe('encoder.layer.0')
  })

  it('replaces every output of a node, by new values and by one value twice', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['n'])
    const [first, second, third] = b.ops('Split', [x], 3)
    for (const [i, value] of [first, second, third].entries()) b.output(`y${i}`, value!)
    const rule: NodeRule = {
      name: 'split',
      anchors: ['Split'],
      apply(_node, context) {
        const [a, c] = context.ops('TopK', [x], 2)
        return [a, c, a]
      },
    }
    const result = rewrite(b.build(), [rule])
    expect(result.nodes).toHaveLength(1)
    expect(result.nodes[0]!.outputs).toEqual([first, second])
    expect(result.outputs.map((port) => port.value)).toEqual([first, second, first])
  })

  it('moves taps and calibration notes with the value, and drops those of dead values', () => {
    const { graph, values } = chain('Identity', 'Exp', 'Relu')
    const [x, same, exp] = values as [Value, Value, Value, Value]
    const merged: NodeRule = {
      name: 'exp-relu',
      anchors: ['Relu'],
      apply: (_node, context) => [context.op('Elu', [x])],
    }
    const result = rewrite(
      {
        ...graph,
        taps: new Map([
          ['same', same],
          ['exp', exp],
        ]),
        quantization: new Map([[same, { min: 0, max: 1 }]]),
      },
      [dropIdentity, merged],
    )
    expect([...result.taps]).toEqual([['same', x]])
    expect([...result.quantization]).toEqual([[x, { min: 0, max: 1 }]])
  })

  it('follows values that subgraphs capture, however deep', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['n'])
    const flag = b.input('flag', 'bool', [])
    const same = b.op('Identity', [x])
    const branch = (inner: Value): Graph => {
      const value = { name: 'inner' }
      const node = { op: 'Relu', domain: '', inputs: [inner], outputs: [value], attributes: {} }
      const nodes = [{ ...node, origin: '' }]
      return { ...emptyGraph('branch'), nodes, outputs: [{ name: 'o', value }] }
    }
    const bare: Graph = { ...emptyGraph('bare'), outputs: [{ name: 'o', value: same }] }
    const nestedNode = {
      op: 'If',
      domain: '',
      inputs: [flag],
      outputs: [{ name: 'nested' }],
      attributes: { then_branch: graphAttribute(branch(same)), else_branch: graphAttribute(bare) },
      origin: '',
    }
    const nested: Graph = {
      ...emptyGraph('nested'),
      nodes: [nestedNode],
      outputs: [{ name: 'o', value: nestedNode.outputs[0]! }],
    }
    const attributes = { then_branch: graphAttribute(nested), else_branch: graphAttribute(bare) }
    b.output('y', b.op('If', [flag], attributes))
    const result = rewrite(b.build(), [dropIdentity])
    expect(printGraph(result)).toMatchInlineSnapshot(`
      "graph g (x: float32[n], flag: bool[]) -> y
      %2 = If(flag)
        graph nested () -> o
        %3 = If(flag)
          graph branch () -> o
          %4 = Relu(x)
          return %4
          graph bare () -> o
          return x
        return %3
        graph bare () -> o
        return x
      return %2"
    `)
  })

  it('counts uses high within a sweep: a rule that refuses for a stale use fires in the next', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['n'])
    const exp = b.op('Exp', [x])
    b.output('a', b.op('Neg', [b.op('Identity', [exp])]))
    b.output('b', b.op('Log', [exp]))
    const seen: number[] = []
    const whenAlone: NodeRule = {
      name: 'log-exp',
      anchors: ['Log'],
      apply(node, context) {
        seen.push(context.uses(node.inputs[0]!))
        return undefined
      },
    }
    rewrite(b.build(), [dropIdentity, whenAlone])
    expect(seen).toEqual([3, 2])
  })

  it('drops what lost its users, constants that a refusing rule made too', () => {
    const wasteful: NodeRule = {
      name: 'wasteful',
      anchors: ['Relu'],
      apply(_node, context) {
        context.op('Add', [context.constant(floatScalar(1)), context.constant(floatScalar(2))])
        return undefined
      },
    }
    const result = rewrite(chain('Identity', 'Relu').graph, [dropIdentity, wasteful])
    expect(opsOf(result)).toEqual(['Relu'])
    expect(result.weights.size).toBe(0)
  })

  it('declares the domains that new nodes bring', () => {
    const rule: NodeRule = {
      name: 'fuse',
      anchors: ['Relu'],
      apply: (node, context) => [context.op('Fast', node.inputs, {}, { domain: 'my.domain' })],
    }
    expect(rewrite(chain('Relu').graph, [rule]).opsets.get('my.domain')).toBe(1)
  })

  it('anchors on operators of one domain only', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['n'])
    b.output('y', b.op('Identity', [x], {}, { domain: 'my.domain' }))
    const graph = b.build()
    expect(rewrite(graph, [dropIdentity])).toBe(graph)
  })

  it('rewrites a chain of 10,000 nodes in seconds', () => {
    const ops = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? 'Identity' : 'Exp'))
    const { graph } = chain(...ops)
    const spent = cpuClock()
    const result = rewrite(graph, [dropIdentity, rename('Exp', 'Log')])
    expect(spent()).toBeLessThan(3000)
    expect(new Set(opsOf(result))).toEqual(new Set(['Log']))
    expect(result.nodes).toHaveLength(5000)
  })
})
