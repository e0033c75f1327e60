/**
 * Decomposed attention as one kernel: ai.onnx Attention-24.
 *
 * Matches `softmax(where(mask, QKᵀ·s, lowest))·V` between the head reshapes and gives the operator the
 * 3-D projections. ONNX Runtime wants the mask's real query length, so `[B,1,1,S]` is expanded; where the
 * model's metadata records that padding stands on the right, the kernel gets the lengths instead.
 */
import { float, int } from '../graph/attributes.ts'
import type { Node, Value } from '../graph/graph.ts'
import { type Matched, rule } from '../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { floatScalar, inlineValues, int64Tensor } from '../graph/tensor.ts'

/** Key of the metadata that promises right padding. */
export const PADDING_KEY = 'limbeck.padding'

const perm = (...axes: number[]) => ({
  perm: { type: 'ints' as const, value: axes },
})

/** Fuses masked self-attention. */
export const fuseAttention: NodeRule = rule('fuse-attention', {
  match: (op, x) => {
    const query = op.Transpose!(op.Reshape!(x.query!, x.queryShape!), perm(0, 2, 1, 3))
    const key = op.Transpose!(op.Reshape!(x.key!, x.keyShape!), perm(0, 2, 1, 3))
    const value = op.Transpose!(op.Reshape!(x.value!, x.valueShape!), perm(0, 2, 1, 3))
    const scores = op.Mul!(
      op.MatMul!(query, op.Transpose!(key, perm(0, 1, 3, 2))),
      op.weight('scale'),
    )
    const masked = op.Where!(x.mask!, scores, op.weight('low'))
    const context = op.MatMul!(op.Softmax!(masked), value)
    return op.Reshape!(op.Transpose!(context, perm(0, 2, 1, 3)), x.merged!)
  },
  when: (x, context, matched) => attentionOf(x, context, matched) ?? true,
  rewrite: (op, x) => {
    const [, , heads] = constantInts(x.queryShape!, op)!
    const scale = Number(inlineValues(op.weight(x.scale!)!.tensor)![0])
    const attributes = { q_num_heads: int(heads!), kv_num_heads: int(heads!), scale: float(scale) }
    const qkv = [x.query, x.key, x.value]
    const lengths = rightPadded(op, x.mask!)
    if (lengths) {
      return op.op('Attention', [...qkv, undefined, undefined, undefined, lengths], attributes)
    }
    return op.op('Attention', [...qkv, expandMask(op, x.mask!, x.low!, x.query!)], attributes)
  },
})

/** Undefined when the match is attention that the kernel computes; otherwise why not. */
function attentionOf(
  x: Readonly<Record<string, Value>>,
  context: RewriteContext,
  _matched: Matched,
): string | undefined {
  const query = constantInts(x.queryShape!, context)
  const low = inlineValues(context.weight(x.low!)!.tensor)
  const rank = context.typeOf(x.query!)?.shape?.length
  const mask = context.typeOf(x.mask!)?.shape
  if (query?.length !== 4) return 'the head shape is not constant'
  if (query[0] !== 0 || query[1] !== 0) return 'the head shape does not keep batch and tokens'
  if (rank !== 3) return `the projections have rank ${rank ?? 'unknown'}, not 3`
  if (mask?.length !== 4 || mask[1] !== 1) return 'the mask is not [batch, 1, …, keys]'
  if (low?.length !== 1 || Number(low[0]) > -1e4) return 'the masked value is not low'
  for (const other of ['keyShape', 'valueShape']) {
    const shape = constantInts(x[other]!, context)
    if (shape?.some((dim, i) => dim !== query[i]) ?? true) return `${other} differs from queryShape`
  }
  return undefined
}

function constantInts(value: Value, context: RewriteContext): number[] | undefined {
  const tensor = context.weight(value)?.tensor
  const values = tensor && inlineValues(tensor)
  return values && Array.from(values, Number)
}

/** `[B]` key counts, when padding is promised to stand on the right and the mask comes from 0/1 marks. */
function rightPadded(context: RewriteContext, mask: Value): Value | undefined {
  if (context.graph.metadata.get(PADDING_KEY) !== 'right') return undefined
  const unsqueeze = context.producer(mask)
  const cast = unsqueeze?.op === 'Unsqueeze' ? producerOf(unsqueeze, context) : undefined
  const marks = cast?.op === 'Cast' ? cast.inputs[0] : undefined
  if (!marks || context.typeOf(marks)?.shape?.length !== 2) return undefined
  const axis = context.constant(int64Tensor([1]), 'axis')
  return context.op('ReduceSum', [marks, axis], { keepdims: int(0) })
}

const producerOf = (node: Node, context: RewriteContext): Node | undefined =>
  node.inputs[0] && context.producer(node.inputs[0])

/**
 * Additive mask `[B,1,S,S]`: the kernel turns a boolean one into floats in every layer, and wants the real
 * query length.
 */
function expandMask(context: RewriteContext, mask: Value, low: Value, query: Value): Value {
  const bias = context.op('Where', [mask, context.constant(floatScalar(0), 'zero'), low])
  if (context.typeOf(mask)?.shape?.[2] !== 1) return bias
  const one = context.constant(int64Tensor([1]), 'one')
  const tokens = context.op('Shape', [query], { start: int(1), end: int(2) })
  return context.op('Expand', [
    bias,
    context.op('Concat', [one, one, tokens, one], { axis: int(0) }),
  ])
}
