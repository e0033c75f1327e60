/** What only training does is switched off, unless somebody reads what it leaves. */
import { describe, expect, it } from 'vitest'
import { int, intOf } from '../../graph/attributes.ts'
import { GraphBuilder } from '../../graph/builder.ts'
import type { Graph } from '../../graph/graph.ts'
import { float32Tensor, floatScalar } from '../../graph/tensor.ts'
import { rulePass } from '../rule-pass.ts'
import { inferenceRules } from './inference-mode.ts'

const pass = rulePass('inference-mode', '', inferenceRules)

/** Batch normalization of `[batch, 2, 3]` while training; which of its outputs are read. */
function training(...read: number[]): Graph {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['batch', 2, 3])
  const rows = [1, 2, 3, 4].map((value) => b.constant(float32Tensor([value, value])))
  const outputs = b.ops('BatchNormalization', [x, ...rows], 3, { training_mode: int(1) })
  for (const i of read) b.output(`y${i}`, outputs[i]!)
  return b.build()
}

describe('inference mode', () => {
  it('takes what batch normalization has learned', () => {
    const [node, ...others] = pass.apply(training(0)).nodes
    expect(others).toEqual([])
    expect(node?.outputs).toHaveLength(1)
    expect(intOf(node!, 'training_mode', 0)).toBe(0)
  })

  it.each([1, 2])('leaves it where its running statistics (output %i) are read', (output) => {
    const graph = training(0, output)
    expect(pass.apply(graph)).toBe(graph)
  })

  it('takes Dropout out, unless its mask is read', () => {
    const dropping = (mask: boolean): Graph => {
      const b = new GraphBuilder('g')
      const x = b.input('x', 'float32', [2])
      const [y, kept] = b.ops('Dropout', [x, b.constant(floatScalar(0.5))], 2)
      b.output('y', b.op('Neg', [y!]))
      if (mask) b.output('kept', kept!)
      return b.build()
    }
    expect(pass.apply(dropping(false)).nodes.map(({ op }) => op)).toEqual(['Neg'])
    expect(pass.apply(dropping(true)).nodes.map(({ op }) => op)).toEqual(['Dropout', 'Neg'])
  })
})
