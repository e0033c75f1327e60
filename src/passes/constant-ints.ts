/** Contents of small constant integer tensors, such as shapes and axes, without a reader. */
import type { Value } from '../graph/graph.ts'
import type { RewriteContext } from '../graph/rewrite.ts'
import { inlineValues } from '../graph/tensor.ts'

/** The integers of a constant; undefined for what is none, or is not held in memory. */
export function constantInts(value: Value, context: RewriteContext): number[] | undefined {
  const tensor = context.weight(value)?.tensor
  const values = tensor && inlineValues(tensor)
  return values && Array.from(values, Number)
}
