/**
 * Rotary positions as one kernel: ai.onnx RotaryEmbedding-23.
 *
 * Matches `[x₁·cos − x₂·sin, x₂·cos + x₁·sin]` on the halves of each head, x `[B, S, H, d]` and the angles
 * `[S, 1, d/2]`, and gives the kernel `[B, S, H·d]` with the angles of every sequence.
 */
import { int, intOf, ints } from '../graph/attributes.ts'
import type { Node, Value } from '../graph/graph.ts'
import { type AttributePattern, rule } from '../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../graph/rewrite.ts'
import { equalDims } from '../graph/shape.ts'
import { int64Tensor } from '../graph/tensor.ts'
import { mergeHeads } from './merge-heads.ts'

type Letters = Readonly<Record<string, Value>>

const alongHead: AttributePattern = {
  axis: (found) => [-1, 3].includes(Number(found?.value)),
}

/** Fuses the turning of query or key. */
export const fuseRotary: NodeRule = rule('fuse-rotary', {
  match: (op, x) =>
    op.Concat!(
      op.Sub!(op.Mul!(x.first!, x.cos!), op.Mul!(x.second!, x.sin!)),
      op.Add!(op.Mul!(x.second!, x.cos!), op.Mul!(x.first!, x.sin!)),
      alongHead,
    ),
  when: (x, context) => reasonAgainst(x, context) ?? true,
  rewrite: (op, x) => {
    const heads = splitOf(x, op)!.inputs[0]!
    const [, , count, size] = op.typeOf(heads)!.shape! as number[]
    const shape = (dims: number[]) => op.constant(int64Tensor(dims), 'shape')
    const batch = op.op('Shape', [heads], { start: int(0), end: int(1) })
    const every = op.op('Concat', [batch, shape([1, 1])], { axis: int(0) })
    const angles = [x.cos, x.sin].map((cache) => {
      const row = op.op('Transpose', [cache], { perm: ints([1, 0, 2]) })
      return op.op('Expand', [row, every])
    })
    const turned = op.op('RotaryEmbedding', [mergeHeads(op, heads), ...angles], {
      num_heads: int(count!),
    })
    return op.op('Reshape', [turned, shape([0, 0, count!, size!])])
  },
})

/** The node whose two outputs are the halves. */
function splitOf({ first, second }: Letters, context: RewriteContext): Node | undefined {
  const split = context.producer(first!)
  const both = split?.op === 'Split' && split.outputs[0] === first && split.outputs[1] === second
  return both && split.outputs.length === 2 ? split : undefined
}

/** Undefined when the kernel computes the match; otherwise why not. */
function reasonAgainst(x: Letters, context: RewriteContext): string | undefined {
  const split = splitOf(x, context)
  if (!split) return 'the halves are not the two outputs of one Split'
  const shape = context.typeOf(split.inputs[0]!)?.shape
  const [, tokens, heads, size] = shape ?? []
  if (shape?.length !== 4 || typeof heads !== 'number' || typeof size !== 'number') {
    return 'what turns is not known to be [batch, tokens, heads, size]'
  }
  if (![-1, 3].includes(intOf(split, 'axis', 0)) || split.inputs[1]) {
    return 'the Split is not one into halves of each head'
  }
  for (const cache of [x.cos, x.sin]) {
    const angles = context.typeOf(cache!)?.shape
    const fits =
      angles?.length === 3 &&
      equalDims(angles[0]!, tokens!) &&
      angles[1] === 1 &&
      angles[2] === size / 2
    if (!fits) return 'the angles are not [tokens, 1, half a head]'
  }
  return undefined
}
