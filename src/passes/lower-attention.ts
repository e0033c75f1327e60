/**
 * Decomposed attention as one kernel: ai.onnx Attention-24.
 *
 * Matches `softmax(where(mask, QKᵀ·s, lowest))·V` between the head reshapes and gives the operator the
 * 3-D projections. ONNX Runtime wants the mask's real query length, so `[B,1,1,S]` is expanded; where the
 * model's metadata records that padding stands on the right, the kernel gets the lengths instead.
 */

import { float, int, ints } from '../graph/attributes.ts'
import type { Node, Value } from '../graph/graph.ts'
import {
  type AttributePattern,
  type Pattern,
  type PatternNotation,
  type PatternSpecials,
  rule,
  scalarOf,
} from '../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { equalDims } from '../graph/shape.ts'
import { floatScalar, int64Tensor } from '../graph/tensor.ts'
import { constantInts } from './constant-ints.ts'

/** Key of the metadata that promises right padding. */
export const PADDING_KEY = 'limbeck.padding'

/**
 * What is added to masked scores: so low that the score is lost in it, which makes adding as good as
 * choosing; not the lowest float, for ONNX Runtime gives zeros where that masks every key.
 */
export const LOW = -1e38
/** The lowest float: rows whose every key it masks become zeros in ONNX Runtime's kernel. */
const LOWEST = -3.4028234663852886e38

/** What masked scores get where a guard against NaN makes wholly masked rows zeros, and where none does. */
export const lowFor = (guard: Node | undefined): number => (guard ? LOWEST : LOW)

/**
 * Probabilities, with or without the guard `Where(IsNaN(p), 0, p)` that exporters write for scores of −∞; the
 * guard is named. `softmax` makes the same pattern each time.
 */
export const guarded = (op: PatternNotation & PatternSpecials, softmax: () => Pattern): Pattern =>
  op.either(op.as('guard', op.Where!(op.IsNaN!(softmax()), op.number(0), softmax())), softmax())

const perm = (...axes: number[]) => ({ perm: ints(axes) })
const copiesZeros: AttributePattern = { allowzero: (found) => Number(found?.value ?? 0) === 0 }
const overKeys: AttributePattern = { axis: (found) => [-1, 3].includes(Number(found?.value ?? -1)) }

/** Fuses masked self-attention. */
export const fuseAttention: NodeRule = rule('fuse-attention', {
  match: (op, x) => {
    const query = op.Transpose!(op.Reshape!(x.query!, x.queryShape!, copiesZeros), perm(0, 2, 1, 3))
    const key = op.Transpose!(op.Reshape!(x.key!, x.keyShape!, copiesZeros), perm(0, 2, 1, 3))
    const value = op.Transpose!(op.Reshape!(x.value!, x.valueShape!, copiesZeros), perm(0, 2, 1, 3))
    const scores = op.Mul!(
      op.MatMul!(query, op.Transpose!(key, perm(0, 1, 3, 2))),
      op.weight('scale'),
    )
    const masked = op.either(op.Where!(x.mask!, scores, op.weight('low')), scores)
    const context = op.MatMul!(
      guarded(op, () => op.Softmax!(masked, overKeys)),
      value,
    )
    return op.Reshape!(op.Transpose!(context, perm(0, 2, 1, 3)), x.merged!, copiesZeros)
  },
  when: (x, context) => attentionOf(x, context) ?? true,
  rewrite: (op, x, { nodes }) => {
    const [, , heads] = constantInts(x.queryShape!, op)!
    const scale = scalarOf(op.weight(x.scale!)!.tensor)!
    const attributes = { q_num_heads: int(heads!), kv_num_heads: int(heads!), scale: float(scale) }
    const qkv = [x.query, x.key, x.value]
    if (!x.mask) return op.op('Attention', qkv, attributes)
    const lengths = rightPadded(op, x.mask, x.key!)
    if (lengths) {
      return op.op('Attention', [...qkv, undefined, undefined, undefined, lengths], attributes)
    }
    return op.op('Attention', [...qkv, expandMask(op, x.mask, x, lowFor(nodes.guard))], attributes)
  },
})

/** Undefined when the match is attention that the kernel computes; otherwise why not. */
function attentionOf(
  x: Readonly<Record<string, Value>>,
  context: RewriteContext,
): string | undefined {
  const query = constantInts(x.queryShape!, context)
  const merged = constantInts(x.merged!, context)
  if (query?.length !== 4) return 'the head shape is not constant'
  if (query[0] !== 0 || query[1] !== 0) return 'the head shape does not keep batch and tokens'
  if (query[2]! < 1) return 'the number of heads is not in the head shape'
  for (const name of ['query', 'key', 'value']) {
    const rank = context.typeOf(x[name]!)?.shape?.length
    if (rank !== 3) return `the ${name} has rank ${rank ?? 'unknown'}, not 3`
    const shape = constantInts(x[`${name}Shape`]!, context)
    if (shape?.some((dim, i) => dim !== query[i]) ?? true) {
      return `${name}Shape differs from queryShape`
    }
  }
  if (merged?.length !== 3 || merged[0] !== 0 || merged[1] !== 0) {
    return 'the heads are not merged into [batch, tokens, width]'
  }
  if (!(scalarOf(context.weight(x.scale!)!.tensor)! > 0))
    return 'the scale is not one number above 0'
  if (!x.mask) return undefined
  const low = context.weight(x.low!)!.tensor
  const mask = context.typeOf(x.mask)?.shape
  if (mask?.length !== 4 || mask[1] !== 1) return 'the mask is not [batch, 1, …, keys]'
  if (low.dtype !== 'float32' || !((scalarOf(low) ?? 0) <= LOW)) {
    return 'the masked value is not the lowest float'
  }
  return undefined
}

/** `[B]` key counts, when padding is promised to stand on the right and the mask comes from 0/1 marks. */
export function rightPadded(
  context: RewriteContext,
  mask: Value,
  key: Value,
  tokenAxis = 1,
): Value | undefined {
  if (context.graph.metadata.get(PADDING_KEY) !== 'right') return undefined
  const unsqueeze = context.producer(mask)
  const cast = unsqueeze?.op === 'Unsqueeze' ? producerOf(unsqueeze, context) : undefined
  const marks = cast?.op === 'Cast' ? cast.inputs[0] : undefined
  const type = marks && context.typeOf(marks)
  if (type?.dtype !== 'int64' || type.shape?.length !== 2) return undefined
  const keys = context.typeOf(key)!.shape![tokenAxis]
  if (context.typeOf(mask)?.shape?.[2] !== 1 || !equalDims(type.shape[1]!, keys!)) return undefined
  const axis = context.constant(int64Tensor([1]), 'axis')
  return context.op('ReduceSum', [marks, axis], { keepdims: int(0) })
}

const producerOf = (node: Node, context: RewriteContext): Node | undefined =>
  node.inputs[0] && context.producer(node.inputs[0])

/**
 * Additive mask `[B,1,S,K]`: the kernel turns a boolean one into floats in every layer, and wants the real
 * query and key lengths. Where they are not known to be the mask's, it is expanded to them.
 */
function expandMask(
  context: RewriteContext,
  mask: Value,
  { query, key }: Readonly<Record<string, Value>>,
  lowest: number,
): Value {
  const [zero, low] = [0, lowest].map((number) => context.constant(floatScalar(number), 'bias'))
  const bias = context.op('Where', [mask, zero, low])
  const one = context.constant(int64Tensor([1]), 'one')
  const sizes = [query!, key!].map((of, i) => {
    const [known, size] = [context.typeOf(mask)!.shape![2 + i]!, context.typeOf(of)!.shape![1]!]
    if (equalDims(known, size)) return one
    return context.op('Shape', [of], { start: int(1), end: int(2) })
  })
  if (sizes.every((size) => size === one)) return bias
  return context.op('Expand', [bias, context.op('Concat', [one, one, ...sizes], { axis: int(0) })])
}
