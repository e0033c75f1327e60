/**
 * Self-attention of families that project, turn or bias in ways of their own: `softmax(QKᵀ·s + bias)·V`
 * from heads that are already split. Masks are boolean, attention is decomposed, as in `blocks.ts`.
 *
 * Shapes: B batch, H heads, S tokens, d size of a head.
 */
import { int, ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { floatScalar } from '../graph/tensor.ts'
import {
  activate,
  addNorm,
  type LayerNames,
  type LayerSizes,
  linear,
  MASKED_SCORE,
} from './blocks.ts'
import type { ModelBuilder } from './model-builder.ts'

const headsFirst = { perm: ints([0, 2, 1, 3]) }

/** `[B, S, H·d]` → `[B, S, H, d]` */
export const splitHeads = (b: ModelBuilder, x: Value, heads: number, headSize: number): Value =>
  b.op('Reshape', [x, b.int64s([0, 0, heads, headSize])])

/** `[B, S, H, d]` → `[B, H, S, d]` */
export const turnHeads = (b: ModelBuilder, x: Value): Value => b.op('Transpose', [x], headsFirst)

export interface Heads {
  /** `[B, H, S, d]`, all three. */
  readonly query: Value
  readonly key: Value
  readonly value: Value
}

/** Query, key and value by one linear layer each: `[B, S, in]` → `[B, H, S, d]`. */
export function projectHeads(
  b: ModelBuilder,
  names: { readonly [Role in keyof Heads]: string },
  inputs: Heads,
  sizes: { readonly heads: number; readonly width: number } & Readonly<Record<keyof Heads, number>>,
): Heads {
  const { heads, width } = sizes
  const project = (role: keyof Heads): Value => {
    const projected = linear(b, names[role], inputs[role], [sizes[role], width])
    return turnHeads(b, splitHeads(b, projected, heads, width / heads))
  }
  return { query: project('query'), key: project('key'), value: project('value') }
}

export interface AttendOptions {
  /** Boolean, broadcast to `[B, H, S, S]`; false is not read. */
  readonly mask: Value
  /** Added to the scaled scores; broadcast to `[B, H, S, S]`. */
  readonly bias?: Value | undefined
  readonly scale: number
  /** `H·d` */
  readonly width: number
}

/** Heads → `[B, S, H·d]`. Taps as `selfAttention`: `.scores` (before the mask), `.query`, `.key`, `.value`. */
export function attend(b: ModelBuilder, heads: Heads, options: AttendOptions): Value {
  const { query, key, value } = heads
  const { mask, bias, width } = options
  const keyT = b.op('Transpose', [key], { perm: ints([0, 1, 3, 2]) })
  const scale = b.constant(floatScalar(options.scale), 'scale')
  const content = b.op('Mul', [b.op('MatMul', [query, keyT]), scale])
  const scores = bias ? b.op('Add', [content, bias]) : content
  const masked = b.op('Where', [mask, scores, b.constant(floatScalar(MASKED_SCORE), 'masked')])
  const weights = b.op('Softmax', [masked], { axis: int(-1) })
  const context = turnHeads(b, b.op('MatMul', [weights, value]))
  for (const [tap, node] of Object.entries({ scores, query, key, value })) {
    b.tap(`${b.origin}.${tap}`, node)
  }
  return b.op('Reshape', [context, b.int64s([0, 0, width])])
}

/** What follows attention in a post-norm layer: projection, norm, feed-forward network, norm. */
export function afterAttention(
  b: ModelBuilder,
  names: Omit<LayerNames, 'attention' | 'projections'>,
  context: Value,
  x: Value,
  d: LayerSizes,
): Value {
  const projected = linear(b, names.attentionOutput, context, [d.hidden, d.hidden])
  const attended = addNorm(b, names.attentionNorm, projected, x, d.hidden, d.normEpsilon)
  const inner = linear(b, names.feedForwardIn, attended, [d.hidden, d.intermediate])
  const active = b.scope(names.feedForwardIn, () => activate(b, d.activation, inner))
  const outer = linear(b, names.feedForwardOut, active, [d.intermediate, d.hidden])
  return addNorm(b, names.feedForwardNorm, outer, attended, d.hidden, d.normEpsilon)
}
