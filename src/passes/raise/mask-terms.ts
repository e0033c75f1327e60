/**
 * Boolean terms of a mask, judged as functions of the index: what is true everywhere masks nothing.
 */
import type { Value } from '../../graph/graph.ts'
import type { RewriteContext } from '../../graph/rewrite.ts'
import { isNeverNegative, subDims } from '../../graph/shape.ts'
import type { InferredType } from '../../ops/infer/infer-row.ts'
import { difference, type IndexFunction, indexFunction } from './index-function.ts'

/** Comparisons as `a − b − margin ≥ 0`, the operands in this order. */
const comparisons: Readonly<Record<string, { readonly order: 1 | -1; readonly margin: 0 | 1 }>> = {
  GreaterOrEqual: { order: 1, margin: 0 },
  Greater: { order: 1, margin: 1 },
  LessOrEqual: { order: -1, margin: 0 },
  Less: { order: -1, margin: 1 },
}

/** What a comparison says when it is denied. */
const denied: Readonly<Record<string, string>> = {
  GreaterOrEqual: 'Less',
  Greater: 'LessOrEqual',
  LessOrEqual: 'Greater',
  Less: 'GreaterOrEqual',
}

/** `f[i] ≥ margin` for the index function f. */
export interface Comparison {
  readonly difference: IndexFunction
  readonly margin: 0 | 1
}

/** A comparison of two index functions, as one function that must not be below its margin. */
export function comparisonOf(value: Value, context: RewriteContext): Comparison | undefined {
  const outer = context.producer(value)
  const isDenied = outer?.op === 'Not' && outer.domain === ''
  const node = isDenied ? outer.inputs[0] && context.producer(outer.inputs[0]) : outer
  const known = node?.domain === '' && Object.hasOwn(comparisons, node.op)
  const row = known && comparisons[isDenied ? denied[node.op]! : node.op]
  const [a, b] = node?.inputs ?? []
  const rank = context.typeOf(value)?.shape?.length
  if (!node || !row || !a || !b || rank === undefined) return undefined
  const [left, right] = [a, b].map((input) => indexFunction(input, context))
  if (!left || !right) return undefined
  const found = row.order === 1 ? difference(left, right, rank) : difference(right, left, rank)
  return found && { difference: found, margin: row.margin }
}

const spreads = new Set([
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Transpose',
  'Slice',
  'Identity',
])
const MAX_DEPTH = 16

/** True for every index and all sizes of the symbols. */
export function isAlwaysTrue(value: Value, context: RewriteContext, depth = 0): boolean {
  const node = context.producer(value)
  if (node?.domain === '' && depth < MAX_DEPTH) {
    const holds = (input: Value | undefined) =>
      input !== undefined && isAlwaysTrue(input, context, depth + 1)
    if (spreads.has(node.op) && context.typeOf(value)?.dtype === 'bool') {
      return holds(node.inputs[0])
    }
    if (node.op === 'And') return node.inputs.every(holds)
  }
  const { known } = (context.typeOf(value) ?? {}) as InferredType
  if (known?.length && known.every((element) => element === 1)) return true
  const found = comparisonOf(value, context)
  if (!found) return false
  const { offset, steps } = found.difference
  return isNeverNegative(subDims(offset, found.margin)) && steps.every(isNeverNegative)
}
