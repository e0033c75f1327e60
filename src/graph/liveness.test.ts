/** Dead code: what outputs need stays, captured values included; all else goes, and notes with it. */
import { describe, expect, it } from 'vitest'
import { graphAttribute } from './attributes.ts'
import { GraphBuilder } from './builder.ts'
import { emptyGraph, type Graph } from './graph.ts'
import { pruneDead } from './liveness.ts'
import { floatScalar } from './tensor.ts'

describe('pruneDead', () => {
  it('gives the same object back when everything is needed', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', [2])
    b.output('y', b.op('Add', [x, b.constant(floatScalar(1))]))
    const graph = b.build()
    expect(pruneDead(graph)).toBe(graph)
  })

  it('drops nodes that only dead nodes read, their weights, taps and notes; inputs stay', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', [2])
    b.input('unused', 'float32', [2])
    const exp = b.op('Exp', [x])
    const dead = b.op('Mul', [exp, b.constant(floatScalar(2))])
    const deader = b.op('Log', [dead])
    b.output('y', exp)
    for (const [name, value] of Object.entries({ exp, dead, x })) b.tap(name, value)
    const quantization = new Map([exp, deader].map((value) => [value, { min: 0, max: 1 }]))
    const result = pruneDead({ ...b.build(), quantization })
    expect(result.nodes.map((node) => node.op)).toEqual(['Exp'])
    expect(result.weights.size).toBe(0)
    expect([...result.taps.keys()]).toEqual(['exp', 'x'])
    expect([...result.quantization.keys()]).toEqual([exp])
    expect(result.inputs).toHaveLength(2)
  })

  it('keeps a node of several outputs for one of them', () => {
    const b = new GraphBuilder('g')
    const [, second] = b.ops('Split', [b.input('x', 'float32', [2])], 2)
    b.output('y', second!)
    const graph = b.build()
    expect(pruneDead(graph)).toBe(graph)
  })

  it('keeps weights and values that only a subgraph reads', () => {
    const b = new GraphBuilder('g')
    const flag = b.input('flag', 'bool', [])
    const exp = b.op('Exp', [b.input('x', 'float32', [2])])
    const one = b.constant(floatScalar(1))
    const bare = (value: typeof exp): Graph => ({
      ...emptyGraph('branch'),
      outputs: [{ name: 'o', value }],
    })
    const attributes = {
      then_branch: graphAttribute(bare(exp)),
      else_branch: graphAttribute(bare(one)),
    }
    b.output('y', b.op('If', [flag], attributes))
    const graph = b.build()
    expect(pruneDead(graph)).toBe(graph)
  })

  it('keeps a weight that is an output itself', () => {
    const b = new GraphBuilder('g')
    b.output('y', b.constant(floatScalar(1)))
    expect(pruneDead(b.build()).weights.size).toBe(1)
  })
})
