/**
 * Attention whose scores carry a position bias, or whose heads were turned before they met, as one kernel:
 * ai.onnx Attention-24 with an additive float mask.
 *
 * Matches `softmax(where(mask, QKᵀ·s [+ bias], lowest))·V` on heads `[B, H, S, d]`, wherever they come from;
 * heads that were only transposed from `[B, S, H, d]` are given to the kernel as `[B, S, H·d]`, which it
 * splits itself. Bias and mask become one mask of the real lengths; layers that share them share it.
 */
import { float, int, ints, intsOf } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { type AttributePattern, rule, scalarOf } from '../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { type Dim, equalDims } from '../graph/shape.ts'
import { floatScalar, int64Tensor } from '../graph/tensor.ts'
import { guarded, LOW, lowFor, rightPadded } from './lower-attention.ts'
import { mergeHeads } from './merge-heads.ts'

const perm = (...axes: number[]) => ({ perm: ints(axes) })
const overKeys: AttributePattern = { axis: (found) => [-1, 3].includes(Number(found?.value ?? -1)) }

type Letters = Readonly<Record<string, Value>>

/** Fuses masked attention between heads, with a bias on its scores or without one. */
export const fuseBiasedAttention: NodeRule = rule('fuse-biased-attention', {
  match: (op, x) => {
    const keyT = op.Transpose!(x.key!, perm(0, 1, 3, 2))
    const content = op.Mul!(op.MatMul!(x.query!, keyT), op.weight('scale'))
    const scores = op.either(op.Add!(content, x.bias!), content)
    const masked = op.either(op.Where!(x.mask!, scores, op.weight('low')), scores)
    return op.MatMul!(
      guarded(op, () => op.Softmax!(masked, overKeys)),
      x.value!,
    )
  },
  when: (x, context) => reasonAgainst(x, context) ?? true,
  rewrite: (op, x, { nodes }) => {
    const scale = float(scalarOf(op.weight(x.scale!)!.tensor)!)
    const mask = maskInputs(op, x, lowFor(nodes.guard))
    const heads = Number(shapeOf(x.query, op)![1])
    const flat = [x.query, x.key, x.value].map((role) => flatHeads(op, role!))
    if (flat.includes(undefined)) {
      return op.op('Attention', [x.query, x.key, x.value, ...mask], { scale })
    }
    const attributes = { q_num_heads: int(heads), kv_num_heads: int(heads), scale }
    const context = op.op('Attention', [...flat, ...mask], attributes)
    const split = op.constant(int64Tensor([0, 0, heads, headSize(x.value!, op)]), 'heads')
    return op.op('Transpose', [op.op('Reshape', [context, split])], perm(0, 2, 1, 3))
  },
})

/** Undefined when the match is attention that the kernel computes; otherwise why not. */
function reasonAgainst(x: Letters, context: RewriteContext): string | undefined {
  const [query, key, value] = [x.query, x.key, x.value].map((role) => shapeOf(role, context))
  if (query?.length !== 4 || key?.length !== 4 || value?.length !== 4) {
    return 'query, key and value are not known to be [batch, heads, tokens, size]'
  }
  const [, heads] = query
  if (typeof heads !== 'number' || key[1] !== heads || value[1] !== heads) {
    return 'the number of heads is not the same known number'
  }
  if (typeof headSize(x.query!, context) !== 'number' || typeof value[3] !== 'number') {
    return 'the size of a head is not known'
  }
  if (!(scalarOf(context.weight(x.scale!)!.tensor)! > 0)) return 'the scale is not above 0'
  const low = x.low && context.weight(x.low)!.tensor
  if (low && (low.dtype !== 'float32' || !((scalarOf(low) ?? 0) <= LOW))) {
    return 'the masked value is not the lowest float'
  }
  for (const term of [x.mask, x.bias]) {
    const shape = shapeOf(term, context)
    if (!term) continue
    if (shape?.length !== 4) return 'the mask or the bias has not four dimensions'
    // exporters name each input's batch apart: it may differ in name, not in what is known
    const fits = [query[0], heads, query[2], key[2]].every((dim, axis) => {
      const equal = equalDims(shape[axis] ?? null, dim ?? null)
      return shape[axis] === 1 || equal || (axis === 0 && equal === undefined)
    })
    if (!fits) return 'the mask or the bias is not as large as the scores'
  }
  return undefined
}

const shapeOf = (value: Value | undefined, context: RewriteContext) =>
  value && context.typeOf(value)?.shape

const headSize = (value: Value, context: RewriteContext): number =>
  shapeOf(value, context)![3] as number

/** `[B, S, H·d]` of heads that are a mere transposition of `[B, S, H, d]`; undefined for others. */
function flatHeads(context: RewriteContext, heads: Value): Value | undefined {
  const producer = context.producer(heads)
  const turned = producer?.op === 'Transpose' && producer.domain === '' && producer.inputs[0]
  if (!turned || intsOf(producer, 'perm')?.join() !== '0,2,1,3') return undefined
  return mergeHeads(context, turned)
}

/** The kernel's inputs after the value: a float mask, or the bias alone and how many keys are real. */
function maskInputs(context: RewriteContext, x: Letters, lowest: number): (Value | undefined)[] {
  if (!x.mask) return x.bias ? [withLengths(context, x.bias, x)] : []
  const lengths = rightPadded(context, x.mask, x.key!, 2)
  if (lengths) {
    const bias = x.bias && withLengths(context, x.bias, x)
    return [bias, undefined, undefined, lengths]
  }
  const [zero, low] = [0, lowest].map((number) => context.constant(floatScalar(number), 'bias'))
  return [withLengths(context, context.op('Where', [x.mask, x.bias ?? zero, low]), x)]
}

/** A mask whose last two dimensions are the real query and key lengths, as the kernel wants them. */
function withLengths(context: RewriteContext, mask: Value, { query, key }: Letters): Value {
  const known = shapeOf(mask, context)!
  const one = context.constant(int64Tensor([1]), 'one')
  const sizes = [query!, key!].map((of, i) => {
    if (equalDims(known[2 + i]!, shapeOf(of, context)![2] as Dim)) return one
    return context.op('Shape', [of], { start: int(2), end: int(3) })
  })
  if (sizes.every((size) => size === one)) return mask
  const shape = context.op('Concat', [one, one, ...sizes], { axis: int(0) })
  return context.op('Expand', [mask, shape])
}
