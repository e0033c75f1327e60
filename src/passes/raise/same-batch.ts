/**
 * The batch of a mask and that of the tokens: exporters name them apart, and they are taken for one, since the
 * inputs of a model share it.
 */
import type { RewriteContext } from '../../graph/rewrite.ts'
import { type Dim, equalDims } from '../../graph/shape.ts'

/** True when both are symbols of inputs, and nothing says that they differ. */
export function sameBatch(a: Dim, b: Dim, { graph }: RewriteContext): boolean {
  const ofInput = (dim: Dim) =>
    typeof dim === 'string' && graph.inputs.some(({ value }) => value.type?.shape?.includes(dim))
  return equalDims(a, b) !== false && ofInput(a) && ofInput(b)
}
