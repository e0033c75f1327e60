/** Linear layers and norms of families whose configuration says whether they have a bias. */
import { float, int, ints } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { layerNorm, linear } from './blocks.ts'
import type { ModelBuilder } from './model-builder.ts'

/** Linear layer at `path`, with a bias or without one. */
export function linearWith(
  b: ModelBuilder,
  path: string,
  x: Value,
  size: readonly [number, number],
  bias: boolean,
  tied: { readonly weightPath?: string; readonly tie?: string } = {},
): Value {
  if (bias) return linear(b, path, x, size, tied)
  return b.scope(path, () => {
    const weight = b.weight(tied.weightPath ?? `${b.origin}.weight`, [size[1], size[0]], tied.tie)
    return b.op('MatMul', [x, b.op('Transpose', [weight], { perm: ints([1, 0]) })])
  })
}

/** What a norm needs to know of its model. */
export interface NormSettings {
  readonly normBias: boolean
  readonly normEpsilon: number
}

/** LayerNormalization at `path`, with a bias or without one. */
export function normWith(
  b: ModelBuilder,
  path: string,
  x: Value,
  size: number,
  { normBias, normEpsilon }: NormSettings,
): Value {
  if (normBias) return layerNorm(b, path, x, size, normEpsilon)
  return b.scope(path, () => {
    const scale = b.weight(`${b.origin}.weight`, [size])
    const attributes = { axis: int(-1), epsilon: float(normEpsilon) }
    return b.op('LayerNormalization', [x, scale], attributes)
  })
}
