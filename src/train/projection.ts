/** A linear layer from the student's width to the teacher's, that learns with the student and is gone afterwards. */
import type { GraphBuilder } from '../graph/builder.ts'
import { float32Tensor } from '../graph/tensor.ts'
import type { Projection } from './layer-losses.ts'
import { bitsAt, keyOf } from './mix-bits.ts'

/** Name of its parameters, which no model has. */
const PROJECTION = 'distillation.projection'

/** From width `from` to `to`, drawn by the seed; nothing where they are one. */
export function projectionTo(
  b: GraphBuilder,
  from: number,
  to: number,
  seed: number,
): Projection | undefined {
  if (from === to) return undefined
  const key = keyOf(seed, 5)
  const bound = 1 / Math.sqrt(from)
  const random = Array.from(
    { length: from * to },
    (_, i) => bound * ((2 * bitsAt(key, i)) / 2 ** 32 - 1),
  )
  return {
    weight: b.parameter({ name: `${PROJECTION}.weight` }, float32Tensor(random, [to, from])),
    bias: b.parameter(
      { name: `${PROJECTION}.bias` },
      float32Tensor(new Array<number>(to).fill(0), [to]),
    ),
  }
}
