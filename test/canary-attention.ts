/**
 * Attention as a random graph: the spellings that the fusion must take, and masks, scales, layouts and
 * head shapes that it must refuse or handle.
 */
import { int, ints } from '../src/graph/attributes.ts'
import type { Value } from '../src/graph/graph.ts'
import { MASKED_SCORE } from '../src/models/blocks.ts'
import { answer, type Draft, type Size } from './canary-draft.ts'

const op = (d: Draft, ...args: Parameters<Draft['b']['op']>): Value => d.b.op(...args)

/**
 * `softmax(where(mask, QKᵀ·s, low))·V` between head reshapes, over itself or over other keys. Two tokens at
 * least: the rule takes it that a mask never widens the scores.
 */
export function attention(d: Draft): void {
  d.sizes.tokens = d.int(2, 4)
  const heads = d.int(1, 3)
  const size = d.int(2, 4)
  const width = heads * size
  const itself = d.chance(0.7)
  const keys: Size = itself ? 'tokens' : 'keys'
  const x = d.input(['batch', 'tokens', width])
  const y = itself ? x : d.input(['batch', keys, width])
  const split = (value: Value): Value => {
    const shape = d.b.int64s(d.mostly([0, 0, heads, size], [0, 0, heads, -1], [0, 0, -1, size]))
    const parts = op(d, 'Reshape', [d.chance(0.7) ? d.linear(value, width, width) : value, shape])
    return op(d, 'Transpose', [parts], { perm: ints([0, 2, 1, 3]) })
  }
  const [query, key, value] = [split(x), split(y), split(y)]
  const turned = op(d, 'Transpose', [key], { perm: ints([0, 1, 3, 2]) })
  const scale = d.mostly(d.scalar(1 / Math.sqrt(size)), d.floats([heads, 1, 1]))
  const scores = op(d, 'Mul', [op(d, 'MatMul', [query, turned]), scale])
  const low = d.scalar(d.mostly(MASKED_SCORE, -1e4, -1, Number.NEGATIVE_INFINITY))
  const masked = op(d, 'Where', [attentionMask(d, heads, keys), scores, low])
  const axis = d.mostly<number | undefined>(-1, undefined, 3, 2)
  const weights = op(d, 'Softmax', [masked], axis === undefined ? {} : { axis: int(axis) })
  const context = op(d, 'Transpose', [op(d, 'MatMul', [weights, value])], {
    perm: ints(d.mostly([0, 2, 1, 3], [0, 1, 2, 3])),
  })
  const merged = d.mostly([0, 0, width], [0, 0, -1], [0, -1], [-1, width], [0, 0, size, heads])
  const joined = op(d, 'Reshape', [context, d.b.int64s(merged)])
  if (merged.length > 3) d.output(joined)
  else answer(d, d.chance(0.5) ? d.linear(joined, width, width) : joined, width)
}

function attentionMask(d: Draft, heads: number, keys: Size): Value {
  if (d.chance(0.3)) {
    const shapes: Size[][] = [
      ['batch', 1, 'tokens', keys],
      ['batch', 1, 1, keys],
      [1, 1, 'tokens', keys],
      ['batch', heads, 'tokens', keys],
      ['batch', 1, 'tokens', 1],
      [1, 1, 1, 1],
      [1, 1, keys],
      ['tokens', keys],
    ]
    return d.flags(d.pick(shapes))
  }
  const right = d.chance(0.3)
  if (right) d.b.property('limbeck.padding', 'right')
  const marks = d.marks(['batch', keys], right)
  const cast = op(d, 'Cast', [marks], { to: int(9) })
  return op(d, 'Unsqueeze', [cast, d.b.int64s([1, 2])])
}
