/** What the trace says of rules: their nodes add up, and misses speak of what still stands. */
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from './builder.ts'
import type { Graph } from './graph.ts'
import { rule } from './pattern.ts'
import { type NodeRule, rewrite } from './rewrite.ts'
import { newTrace } from './rewrite-trace.ts'

const chain: Graph = (() => {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['n'])
  const inner = b.scope('layer.0', () => b.op('Neg', [b.op('Exp', [x])]))
  b.output('whole', b.op('Add', [inner, b.scope('layer.1', () => b.op('Abs', [b.op('Exp', [x])]))]))
  return b.build()
})()

/** `Neg(Exp(x))` → two nodes; the Exp dies with it. */
const negExp = rule('neg-exp', {
  match: (op, x) => op.Neg!(op.Exp!(x.a!)),
  rewrite: (op, x) => op.op('Abs', [op.op('Sqrt', [x.a])]),
})
/** Fires only on what `negExp` writes. */
const absSqrt = rule('abs-sqrt', {
  match: (op, x) => op.Abs!(op.Sqrt!(x.a!)),
  rewrite: (op, x) => op.op('Floor', [x.a]),
})

describe('a trace', () => {
  it('gives every node that came or went to one rule', () => {
    const trace = newTrace()
    const after = rewrite(chain, [negExp, absSqrt], { trace })
    const nodes = [...trace.work.values()].map(({ added, removed }) => added - removed)
    expect(nodes).toEqual([0, -1])
    expect(trace.work.get('neg-exp')).toMatchObject({ added: 2, removed: 2 })
    expect(after.nodes.length - chain.nodes.length).toBe(-1)
    for (const { ms } of trace.work.values()) expect(ms).toBeGreaterThan(0)
  })

  it('counts a chain that dies as a whole, and what is written and not used', () => {
    const cut: NodeRule = {
      name: 'cut',
      anchors: ['Add'],
      apply(node, context) {
        context.op('Log', [node.inputs[0]])
        return [context.graph.inputs[0]!.value]
      },
    }
    const trace = newTrace()
    const after = rewrite(chain, [cut], { trace })
    expect(after.nodes).toEqual([])
    // Add, its four producers and the unused Log
    expect(trace.work.get('cut')).toMatchObject({ added: 1, removed: 6 })
  })

  it('keeps the misses of the last sweep alone, with the place and the value', () => {
    const trace = newTrace()
    rewrite(chain, [negExp, absSqrt], { trace })
    expect(trace.misses.has('neg-exp')).toBe(false)
    expect(trace.work.get('neg-exp')).toMatchObject({ anchors: ['Neg'], left: 0, near: 0 })
    // layer.1's Abs stays: one node of the pattern is not near
    expect(trace.work.get('abs-sqrt')).toMatchObject({ anchors: ['Abs'], left: 1, near: 0 })
    const deeper = rule('deeper', {
      match: (op, x) => op.Abs!(op.Exp!(op.Sqrt!(x.a!))),
      rewrite: (op, x) => op.op('Floor', [x.a]),
    })
    const missed = newTrace()
    rewrite(chain, [deeper], { trace: missed })
    expect(missed.misses.get('deeper')).toEqual({
      rule: 'deeper',
      depth: 2,
      op: 'Abs',
      origin: 'layer.1',
      value: 'x',
      reason: 'expected Sqrt, found an input',
    })
    expect(missed.work.get('deeper')).toMatchObject({ left: 1, near: 1 })
  })
})
