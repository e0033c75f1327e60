/**
 * Fused attention: what the kernel is given (heads, scale, mask or lengths), and the sentence that says
 * why a near miss was not fused. That outputs stay the same is shown by the random graphs.
 */
import { describe, expect, it } from 'vitest'
import { floatOf, int, intOf, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { newTrace } from '../graph/rewrite-trace.ts'
import type { Dim } from '../graph/shape.ts'
import { float32Tensor, floatScalar, type Tensor } from '../graph/tensor.ts'
import { fuseAttention } from './lower-attention.ts'
import { rulePass } from './rule-pass.ts'

interface Change {
  readonly heads?: readonly number[]
  readonly keyHeads?: readonly number[]
  readonly merged?: readonly number[]
  readonly scale?: Tensor
  readonly low?: number
  readonly axis?: number
  readonly width?: readonly Dim[]
  readonly mask?: readonly Dim[]
  readonly marks?: readonly Dim[]
  readonly right?: boolean
  readonly exposed?: boolean
}

function attention(change: Change = {}): Graph {
  const b = new GraphBuilder('attention')
  const heads = change.heads ?? [0, 0, 2, 8]
  const input = (name: string) => b.input(name, 'float32', change.width ?? ['batch', 'tokens', 16])
  const turn = { perm: ints([0, 2, 1, 3]) }
  const split = (name: string, shape = heads): Value =>
    b.op('Transpose', [b.op('Reshape', [input(name), b.int64s([...shape])])], turn)
  const [query, key, value] = [split('q'), split('k', change.keyHeads), split('v')]
  const product = b.op('MatMul', [query, b.op('Transpose', [key], { perm: ints([0, 1, 3, 2]) })])
  const scores = b.op('Mul', [product, b.constant(change.scale ?? floatScalar(0.25))])
  const low = b.constant(floatScalar(change.low ?? -3.4028234663852886e38))
  const weights = b.op('Softmax', [b.op('Where', [maskOf(b, change), scores, low])], {
    axis: int(change.axis ?? -1),
  })
  if (change.exposed) b.output('weights', weights)
  const context = b.op('Transpose', [b.op('MatMul', [weights, value])], turn)
  b.output('y', b.op('Reshape', [context, b.int64s([...(change.merged ?? [0, 0, 16])])]))
  if (change.right) b.property('limbeck.padding', 'right')
  return b.build()
}

function maskOf(b: GraphBuilder, { mask, marks }: Change): Value {
  if (mask) return b.input('mask', 'bool', mask)
  const input = b.input('marks', 'int64', marks ?? ['batch', 'tokens'])
  return b.op('Unsqueeze', [b.op('Cast', [input], { to: int(9) }), b.int64s([1, 2])])
}

const pass = rulePass('fuse', '', [fuseAttention])
function fused(change: Change = {}) {
  const trace = newTrace()
  const graph = pass.apply(attention(change), trace)
  const node = graph.nodes.find(({ op }) => op === 'Attention')
  return {
    graph,
    node,
    ops: graph.nodes.map(({ op }) => op),
    miss: trace.misses.get('fuse-attention')?.reason,
  }
}

describe('the kernel', () => {
  it('gets the projections, heads and scale, and an additive mask of its own size', () => {
    const { node, ops } = fused()
    expect(ops.filter((op) => op === 'Softmax' || op === 'MatMul')).toEqual([])
    expect(node!.inputs.slice(0, 3).map((value) => value!.name)).toEqual(['q', 'k', 'v'])
    expect(intOf(node!, 'q_num_heads', 0)).toBe(2)
    expect(intOf(node!, 'kv_num_heads', 0)).toBe(2)
    expect(floatOf(node!, 'scale', 0)).toBe(0.25)
    expect(ops).toContain('Expand')
  })

  it('gets the mask as it is when its size is known to be right', () => {
    expect(fused({ mask: ['batch', 1, 'tokens', 'tokens'] }).ops).toEqual(['Where', 'Attention'])
    expect(fused({ mask: ['batch', 1, 'other', 'tokens'] }).ops).toContain('Expand')
    expect(fused({ mask: ['batch', 1, 'tokens', 1] }).ops).toContain('Expand')
  })

  it('gets lengths where the metadata promises right padding, of marks of the keys', () => {
    const { node, ops } = fused({ right: true })
    expect(ops).toEqual(['ReduceSum', 'Attention'])
    expect(node!.inputs.slice(3).map((value) => value !== undefined)).toEqual([
      false,
      false,
      false,
      true,
    ])
    expect(fused({ right: true, marks: ['batch', 'others'] }).ops).not.toContain('ReduceSum')
    expect(fused({ right: true, mask: ['batch', 1, 1, 'tokens'] }).ops).not.toContain('ReduceSum')
    expect(fused({ right: false }).ops).not.toContain('ReduceSum')
  })

  it('takes scales of one element and head shapes with a computed size', () => {
    expect(fused({ scale: float32Tensor([0.5], [1, 1]) }).node).toBeDefined()
    expect(fused({ heads: [0, 0, 2, -1], merged: [0, 0, -1] }).node).toBeDefined()
  })
})

describe('near misses say why', () => {
  it.each<[Change, string]>([
    [{ heads: [0, -1, 2, 8] }, 'the head shape does not keep batch and tokens'],
    [{ heads: [0, 0, -1, 8] }, 'the number of heads is not in the head shape'],
    [{ keyHeads: [0, 0, -1, 8] }, 'keyShape differs from queryShape'],
    [{ width: ['batch', 'tokens', 2, 8] }, 'the query has rank 4, not 3'],
    [{ merged: [-1, 16] }, 'the heads are not merged into [batch, tokens, width]'],
    [{ merged: [0, 0, 8, 2] }, 'the heads are not merged into [batch, tokens, width]'],
    [{ merged: [0, -1, 16] }, 'the heads are not merged into [batch, tokens, width]'],
    [{ scale: float32Tensor([0.5, 0.25], [2, 1, 1]) }, 'the scale is not one number above 0'],
    [{ scale: floatScalar(-0.25) }, 'the scale is not one number above 0'],
    [{ mask: ['batch', 2, 1, 'tokens'] }, 'the mask is not [batch, 1, …, keys]'],
    [{ mask: ['tokens', 'tokens'] }, 'the mask is not [batch, 1, …, keys]'],
    [{ low: -1e4 }, 'the masked value is not the lowest float'],
    [{ axis: 2 }, 'attributes of Softmax differ'],
    [{ exposed: true }, 'is read elsewhere'],
  ])('%j: %s', (change, sentence) => {
    const { node, miss } = fused(change)
    expect(node).toBeUndefined()
    expect(miss).toContain(sentence)
  })
})
