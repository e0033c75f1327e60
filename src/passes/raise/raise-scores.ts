/**
 * Attention scores in any exporter's spelling → the canonical
 * `Softmax(Where(mask, MatMul(Q, Kᵀ)·s [+ bias], lowest))` on heads `[B, H, S, d]`.
 *
 * Reads the input of a Softmax from its end: added or chosen masks, position biases, the scale, and the
 * product of queries and keys, whose own scales and transpositions are taken out.
 */
import { int, intOf, ints } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import { rule, scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { neverStretched, type Shape } from '../../graph/shape.ts'
import { floatScalar, type ReadTensor } from '../../graph/tensor.ts'
import { isAlwaysTrue } from './mask-terms.ts'
import { MASKED_SCORE, type Scores, ScoresReader } from './scores-reader.ts'

/** The rule; `read` gives the values of constants. */
export const raiseScores = (read: ReadTensor): NodeRule => ({
  name: 'raise-scores',
  anchors: ['Softmax'],
  apply(node, context) {
    const [input] = node.inputs
    const type = input && context.typeOf(input)
    const rank = type?.shape?.length
    const axis = intOf(node, 'axis', -1)
    if (!input || rank !== 4 || type?.dtype !== 'float32' || (axis !== -1 && axis !== 3)) {
      return undefined
    }
    const scores = new ScoresReader(context, read).scores(input)
    if (!scores) return undefined
    const masks = conjuncts(scores, context)
    if (!scores.changed && scores.scaled) return undefined
    const keyT = context.op('Transpose', [scores.key], { perm: ints([0, 1, 3, 2]) })
    const scale = context.constant(floatScalar(scores.scale), 'scale')
    let value = context.op('Mul', [context.op('MatMul', [scores.query, keyT]), scale])
    for (const bias of scores.biases) value = context.op('Add', [value, bias])
    if (masks.length > 0) {
      const mask = masks.reduce((a, b) => context.op('And', [a, b]))
      const low = context.constant(floatScalar(scores.low ?? MASKED_SCORE), 'masked')
      value = context.op('Where', [mask, value, low])
    }
    return [context.op('Softmax', [value], { axis: int(-1) })]
  },
})

/** `Where(IsNaN(p), 0, p)` of probabilities p over scores without −∞, which are never NaN → p. */
export const dropNanGuard: NodeRule = rule('drop-nan-guard', {
  match: (op, x) => op.Where!(op.IsNaN!(x.weights!), op.number(0), x.weights!),
  when: (x, context) => {
    const softmax = context.producer(x.weights!)
    if (softmax?.op !== 'Softmax') return 'what is guarded is no Softmax'
    const [scores] = softmax.inputs
    const where = scores && context.producer(scores)
    if (where?.op !== 'Where') return isProduct(scores, context) || 'what is masked is not seen'
    const low = where.inputs[2] && scalarOf(context.weight(where.inputs[2])?.tensor)
    if (low !== MASKED_SCORE) return 'the scores may be minus infinity'
    // a bias may be a mask of minus infinities
    return isProduct(where.inputs[1], context) || 'a bias is added to the scores'
  },
  rewrite: (_, x) => x.weights!,
})

/** `MatMul(q, k)·s`: no infinity unless q or k hold one. */
function isProduct(value: Value | undefined, context: RewriteContext): boolean {
  const node = value && context.producer(value)
  const [product, scale] = node?.op === 'Mul' && node.domain === '' ? node.inputs : []
  const number = scale && scalarOf(context.weight(scale)?.tensor)
  const scales = number !== undefined && Number.isFinite(number)
  return scales && product !== undefined && context.producer(product)?.op === 'MatMul'
}

/** The masks taken apart at And, without what is always true. */
function conjuncts(scores: Scores, context: RewriteContext): Value[] {
  const found: Value[] = []
  const visit = (mask: Value, depth: number): void => {
    const node = context.producer(mask)
    if (node?.op === 'And' && node.domain === '' && depth < 32) {
      for (const input of node.inputs) if (input) visit(input, depth + 1)
    } else if (!found.includes(mask)) found.push(mask)
  }
  for (const mask of scores.masks) visit(mask, 0)
  const kept = found.filter(
    (mask) => !isAlwaysTrue(mask, context) || stretches(mask, scores, context),
  )
  if (kept.length < found.length) scores.changed = true
  return kept
}

/** True when a mask makes more of the scores than there are: dropping it would change their shape. */
function stretches(mask: Value, scores: Scores, context: RewriteContext): boolean {
  const [query, key] = [scores.query, scores.key].map((value) => context.typeOf(value)?.shape)
  const shape = context.typeOf(mask)?.shape
  if (query?.length !== 4 || key?.length !== 4 || !shape || shape.length > 4) return true
  const whole: Shape = [...query.slice(0, 3), key[2]!]
  return shape.some((dim, i) => {
    const size = whole[i + 4 - shape.length]!
    // two symbols are taken for one: what they name is shared by the inputs of a model
    return dim !== 1 && typeof size === 'number' && !neverStretched(dim, size)
  })
}
