/** The additive mask: exact where the masked value absorbs every score, refused with a sentence elsewhere. */
import { describe, expect, it } from 'vitest'
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { newTrace } from '../graph/rewrite-trace.ts'
import type { Dim } from '../graph/shape.ts'
import { floatScalar, inlineTensor, type Tensor } from '../graph/tensor.ts'
import { additiveMask } from './lower-portable-rules.ts'
import { rulePass } from './rule-pass.ts'

const LOWEST = floatScalar(-3.4028234663852886e38)

function lowered(low: Tensor, mask: readonly Dim[] = ['batch', 1, 1, 'keys']) {
  const b = new GraphBuilder('g')
  const scores = b.input('scores', low.dtype, ['batch', 2, 'tokens', 'keys'])
  const masked = b.op('Where', [b.input('mask', 'bool', mask), scores, b.constant(low)])
  b.output('y', b.op('Softmax', [masked], { axis: int(3) }))
  const trace = newTrace()
  const { nodes } = rulePass('p', '', [additiveMask]).apply(b.build(), trace)
  return { nodes, miss: trace.misses.get('additive-mask')?.reason }
}

describe('additiveMask', () => {
  it('chooses between 0 and the lowest once, adds it, and keeps the axis', () => {
    const { nodes } = lowered(LOWEST)
    expect(nodes.map((node) => node.op)).toEqual(['Where', 'Add', 'Softmax'])
    expect(nodes[2]!.attributes).toEqual({ axis: int(3) })
    expect(nodes[1]!.inputs[0]!.name).toBe('scores')
  })

  it.each<[string, Tensor]>([
    ['-1e4', floatScalar(-1e4)],
    ['0', floatScalar(0)],
    ['a double', inlineTensor('float64', [], Float64Array.of(-1e300))],
    ['one for each key', inlineTensor('float32', [2], Float32Array.of(-3e38, -3e38))],
  ])('refuses a masked value of %s', (_, low) => {
    expect(lowered(low).miss).toContain('the masked value is not the lowest float')
  })

  it.each<[readonly Dim[]]>([
    [['batch', 1, 'tokens', 'keys']],
    [['batch', 2, 1, 'keys']],
    [['keys']],
  ])('refuses a mask of %j', (mask) => {
    expect(lowered(LOWEST, mask).miss).toContain('the mask is not [batch, 1, 1, keys]')
  })
})
