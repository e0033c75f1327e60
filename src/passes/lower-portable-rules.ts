/**
 * What the portable lowering rewrites so that any ONNX Runtime from opset 17 on runs it well.
 *
 * Attention stays decomposed; its boolean mask becomes an additive one, computed once for all layers
 * (ONNX Runtime's Where is slower than its Add, and its fusions know the additive form).
 */

import { rule } from '../graph/pattern.ts'
import type { NodeRule } from '../graph/rewrite.ts'
import { floatScalar, inlineValues } from '../graph/tensor.ts'

/** `Where(mask, scores, lowest)` → `Add(scores, Where(mask, 0, lowest))`: exact, since lowest absorbs. */
export const additiveMask: NodeRule = rule('additive-mask', {
  match: (op, x) => op.Softmax!(op.Where!(x.mask!, x.scores!, op.weight('low'))),
  when: (x, context) => {
    const { tensor } = context.weight(x.low!)!
    const low = inlineValues(tensor)
    const mask = context.typeOf(x.mask!)?.shape
    if (tensor.dtype !== 'float32' || low?.length !== 1 || Number(low[0]) > -1e38)
      return 'the masked value is not the lowest float'
    // A mask as large as the scores would cost as much as the Where it replaces.
    return mask?.[1] === 1 && mask[2] === 1 ? true : 'the mask is not [batch, 1, 1, keys]'
  },
  rewrite: (op, x, { anchor }) => {
    const zero = op.constant(floatScalar(0), 'zero')
    const bias = op.op('Where', [x.mask, zero, x.low])
    return op.op('Softmax', [op.op('Add', [x.scores, bias])], anchor.attributes)
  },
})
