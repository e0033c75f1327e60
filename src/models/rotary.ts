/**
 * Rotary positions (Su et al. 2021): each half-pair of a head's numbers is turned by an angle that grows
 * with the token's position. Cosines and sines follow from the sequence length, once for every layer that
 * has the same base.
 */
import { int } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor } from '../graph/tensor.ts'
import type { ModelBuilder } from './model-builder.ts'
import { positions } from './relative-position.ts'

/** Cosine and sine of every position's angles: `[S, 1, d/2]` both. */
export interface Angles {
  readonly cos: Value
  readonly sin: Value
}

/** Angles `position · base^(−2i/d)`. */
export function rotaryAngles(b: ModelBuilder, ids: Value, base: number, headSize: number): Angles {
  const frequencies = Array.from({ length: headSize / 2 }, (_, i) =>
    // float32 at each step, as PyTorch
    Math.fround(1 / Math.fround(base ** Math.fround((2 * i) / headSize))),
  )
  const axes = b.int64s([1, 2], 'axes')
  const at = b.op('Unsqueeze', [b.op('Cast', [positions(b, ids)], { to: int(1) }), axes])
  const angles = b.op('Mul', [at, b.constant(float32Tensor(frequencies), 'frequencies')])
  return { cos: b.op('Cos', [angles]), sin: b.op('Sin', [angles]) }
}

/** `[x₁, x₂] → [x₁·cos − x₂·sin, x₂·cos + x₁·sin]`, x₁ and x₂ the halves of each head: x `[B, S, H, d]`. */
export function rotate(b: ModelBuilder, x: Value, { cos, sin }: Angles): Value {
  const [first, second] = b.ops('Split', [x], 2, { axis: int(-1), num_outputs: int(2) })
  const times = (half: Value | undefined, factor: Value) => b.op('Mul', [half, factor])
  const turned = [
    b.op('Sub', [times(first, cos), times(second, sin)]),
    b.op('Add', [times(second, cos), times(first, sin)]),
  ]
  return b.op('Concat', turned, { axis: int(-1) })
}
