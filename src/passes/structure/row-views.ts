/**
 * What our own lowerings do to rows, undone in structure alone: activations kept as `[tokens, width]`, one token
 * picked before the last layer, attention in one operator on `[batch, tokens, width]`. Values keep their identity;
 * what the graph computes does not, so the result is for reading, never for running.
 */
import { floatOf, intOf, ints } from '../../graph/attributes.ts'
import type { Value, Weight } from '../../graph/graph.ts'
import type { NodeRule } from '../../graph/rewrite.ts'
import { floatScalar, int64Tensor } from '../../graph/tensor.ts'
import { rulePass } from '../rule-pass.ts'

/** `Reshape` between `[batch, tokens, width]` and `[rows, width]`: the same rows. */
const flattened: NodeRule = {
  name: 'rows-flattened',
  anchors: ['Reshape'],
  apply(node, context) {
    const [x] = node.inputs
    const from = x && context.typeOf(x)?.shape
    const to = context.typeOf(node.outputs[0]!)?.shape
    if (!x || !from || !to || Math.min(from.length, to.length) < 2) return undefined
    if (Math.max(from.length, to.length) > 3) return undefined
    return typeof to.at(-1) === 'number' && from.at(-1) === to.at(-1) ? [x] : undefined
  },
}

/** `Gather(x, [i], axis=1)`: one token of many. */
const narrowed: NodeRule = {
  name: 'rows-narrowed',
  anchors: ['Gather'],
  apply(node, context) {
    const [x, index] = node.inputs
    const shape = index && context.weight(index)?.tensor.shape
    const isOne = shape?.length === 1 && shape[0] === 1 && intOf(node, 'axis', 0) === 1
    return x && isOne && !context.weight(x) ? [x] : undefined
  },
}

/** `Attention` on merged heads as the mathematics it is; masks say nothing about structure. */
const attention: NodeRule = {
  name: 'rows-attention',
  anchors: ['Attention', 'com.microsoft::MultiHeadAttention'],
  apply(node, context) {
    const [query, key, value] = node.inputs
    const own = node.domain === ''
    const heads = intOf(node, own ? 'q_num_heads' : 'num_heads', 0)
    const keyHeads = intOf(node, own ? 'kv_num_heads' : 'num_heads', 0)
    const width = query && context.typeOf(query)?.shape?.at(-1)
    if (!query || !key || !value || heads === 0 || heads !== keyHeads) return undefined
    if (typeof width !== 'number' || width % heads !== 0) return undefined
    const shape = context.constant(int64Tensor([0, 0, heads, width / heads]), 'shape')
    const split = (x: typeof query, perm: readonly number[]) =>
      context.op('Transpose', [context.op('Reshape', [x, shape])], { perm: ints(perm) })
    const scale = context.constant(
      floatScalar(floatOf(node, 'scale', 1 / Math.sqrt(width / heads))),
      'scale',
    )
    const product = context.op('MatMul', [split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])])
    const weights = context.op('Softmax', [context.op('Mul', [product, scale])])
    const context4 = context.op('MatMul', [weights, split(value, [0, 2, 1, 3])])
    const merged = context.op('Transpose', [context4], { perm: ints([0, 2, 1, 3]) })
    const whole = context.constant(int64Tensor([0, 0, width]), 'shape')
    return [context.op('Reshape', [merged, whole])]
  },
}

/** `(x · c) · W` with a factor for each column of x, as SmoothQuant and AWQ write it: the layer reads x. */
const unscaled: NodeRule = {
  name: 'rows-unscaled',
  anchors: ['MatMul'],
  apply(node, context) {
    const [left, right] = node.inputs
    const factor = left && context.producer(left)
    if (!left || !right || (factor?.op !== 'Mul' && factor?.op !== 'Div')) return undefined
    const weightOf = (value: Value | undefined): Weight | undefined =>
      value && context.weight(value)
    const turned = context.producer(right)
    if (!weightOf(right) && !weightOf(turned?.inputs[0])) return undefined
    const [x, c] = weightOf(factor.inputs[0]) ? factor.inputs.toReversed() : factor.inputs
    return x && weightOf(c)?.tensor.shape.length === 1
      ? [context.op('MatMul', [x, right])]
      : undefined
  },
}

/** Before raising. */
export const rowViews = rulePass('row-views', 'Takes rows for what they are, however they stand.', [
  flattened,
  narrowed,
  attention,
])

/** After raising, when a norm's own factor is part of the norm. */
export const unscaledRows = rulePass('row-factors', 'Leaves out what INT8 moved into weights.', [
  unscaled,
])
