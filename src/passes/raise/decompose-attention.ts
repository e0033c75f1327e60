/**
 * The Attention operator (ai.onnx 23 on) → the canonical `Softmax(Where(mask, QKᵀ·s, lowest))·V`.
 *
 * Exporters write it from opset 23 on; raised, it is what every pass sees: pruning, taps, quantization, and a
 * lowering that chooses its kernel anew. Caches, soft caps, grouped heads and causal masks of its own stay.
 */
import { floatOf, int, intOf, ints } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims } from '../../graph/shape.ts'
import { floatScalar } from '../../graph/tensor.ts'

/** Decomposes Attention on heads `[B, H, S, d]` with at most a mask. */
export const decomposeAttention: NodeRule = {
  name: 'decompose-attention',
  anchors: ['Attention'],
  apply(node, context) {
    const reason = reasonAgainst(node, context)
    if (reason) {
      context.miss('decompose-attention', 1, `${node.origin || 'Attention'}: ${reason}`)
      return undefined
    }
    const [query, key, value, mask] = node.inputs as [Value, Value, Value, Value | undefined]
    const size = Number(context.typeOf(query)!.shape![3])
    const scale = context.constant(
      floatScalar(floatOf(node, 'scale', 1 / Math.sqrt(size))),
      'scale',
    )
    const keyT = context.op('Transpose', [key], { perm: ints([0, 1, 3, 2]) })
    const scores = context.op('Mul', [context.op('MatMul', [query, keyT]), scale])
    const weights = context.op('Softmax', [masked(context, scores, mask)], { axis: int(-1) })
    return [context.op('MatMul', [guardedBy(context, weights, mask), value])]
  },
}

function masked(context: RewriteContext, scores: Value, mask: Value | undefined): Value {
  if (!mask) return scores
  if (context.typeOf(mask)?.dtype !== 'bool') return context.op('Add', [scores, mask])
  const low = context.constant(floatScalar(Number.NEGATIVE_INFINITY), 'masked')
  return context.op('Where', [mask, scores, low])
}

/** The kernel gives zeros for rows whose every key a boolean mask hides. */
function guardedBy(context: RewriteContext, weights: Value, mask: Value | undefined): Value {
  if (!mask || context.typeOf(mask)?.dtype !== 'bool') return weights
  const zero = context.constant(floatScalar(0), 'zero')
  return context.op('Where', [context.op('IsNaN', [weights]), zero, weights])
}

/** Undefined when the operator is what the canonical form says; otherwise why not. */
function reasonAgainst(node: Node, context: RewriteContext): string | undefined {
  const [query, key, value, mask, ...caches] = node.inputs
  if (caches.some((input) => input !== undefined)) return 'it has a cache or lengths'
  if (node.outputs.slice(1).some((output) => output && context.uses(output) > 0)) {
    return 'its later outputs are read'
  }
  if (floatOf(node, 'softcap', 0) !== 0) return 'it has a soft cap'
  if (intOf(node, 'is_causal', 0) !== 0) return 'it is causal by itself'
  const shapes = [query, key, value].map((input) => input && context.typeOf(input)?.shape)
  const [q, k, v] = shapes
  if (q?.length !== 4 || k?.length !== 4 || v?.length !== 4) return 'its inputs have not four axes'
  if (typeof q[3] !== 'number') return 'the size of a head is not known'
  const sameHeads = [k, v].every((shape) => equalDims(shape[1]!, q[1]!) === true)
  if (!sameHeads) return 'queries and keys have other numbers of heads'
  const dtype = mask && context.typeOf(mask)?.dtype
  if (context.typeOf(query!)?.dtype !== 'float32') return 'it is not float32'
  return dtype && dtype !== 'bool' && dtype !== 'float32' ? `the mask is ${dtype}` : undefined
}
