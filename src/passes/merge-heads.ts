/** Heads laid side by side: what split them is undone where it is known, else a Reshape. */
import type { Value } from '../graph/graph.ts'
import type { RewriteContext } from '../graph/rewrite.ts'
import { equalShapes, type Shape } from '../graph/shape.ts'
import { int64Tensor } from '../graph/tensor.ts'

/** `[B, S, H, d]` → `[B, S, H·d]`; undefined where H or d is not known. */
export function mergeHeads(context: RewriteContext, heads: Value): Value | undefined {
  const [batch, tokens, count, size] = context.typeOf(heads)?.shape ?? []
  if (typeof count !== 'number' || typeof size !== 'number') return undefined
  const split = context.producer(heads)
  const whole = split?.op === 'Reshape' && split.domain === '' ? split.inputs[0] : undefined
  const merged: Shape = [batch!, tokens!, count * size]
  if (whole && equalShapes(context.typeOf(whole)?.shape, merged)) return whole
  return context.op('Reshape', [
    heads,
    context.constant(int64Tensor([0, 0, count * size]), 'merged'),
  ])
}
