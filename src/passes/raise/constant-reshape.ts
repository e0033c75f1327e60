/**
 * Reshapes with a constant target: exporters compute it at run time from Shape, Gather and Concat.
 *
 * Inference follows those chains by value, so the result's dimensions are known: what equals the input's
 * dimension at the same place is copied (0), what is a number is written, and one other is left over (−1).
 */
import type { NodeRule } from '../../graph/rewrite.ts'
import { type Dim, equalDims, type Shape } from '../../graph/shape.ts'
import { inlineValues, int64Tensor } from '../../graph/tensor.ts'

/** `Reshape(x, computed)` → `Reshape(x, constant)`; a constant target is written in this one spelling. */
export const constantReshape: NodeRule = {
  name: 'constant-reshape',
  anchors: ['Reshape'],
  apply(node, context) {
    const [x, target] = node.inputs
    const from = x && context.typeOf(x)?.shape
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    const dims = from && to && targetOf(from, to)
    if (!x || !target || !dims) return undefined
    const now = context.weight(target)
    const same = now && inlineValues(now.tensor)
    if (same && !node.attributes.allowzero && Array.from(same, Number).join() === dims.join()) {
      return undefined
    }
    return [context.op('Reshape', [x, context.constant(int64Tensor(dims), 'shape')])]
  },
}

/** The constant target; undefined when two dimensions must be found at run time. */
export function targetOf(from: Shape, to: Shape): number[] | undefined {
  const dims = to.map((dim, i) => constantDim(dim, from[i]))
  const open = dims.filter((dim) => dim === undefined).length
  // a known zero would read as a copy
  if (open > 1 || to.includes(0)) return undefined
  return dims.map((dim) => dim ?? -1)
}

function constantDim(dim: Dim, before: Dim | undefined): number | undefined {
  if (typeof dim === 'number') return dim
  return before !== undefined && equalDims(dim, before) ? 0 : undefined
}

/** Squeeze and Unsqueeze of neighbours undone; `Squeeze(Unsqueeze(x, a), a)` → x. */
export const squeezeOfUnsqueeze: NodeRule = {
  name: 'squeeze-of-unsqueeze',
  anchors: ['Squeeze'],
  apply(node, context) {
    const inner = node.inputs[0] && context.producer(node.inputs[0])
    if (inner?.op !== 'Unsqueeze' || inner.domain !== '') return undefined
    const axes = [node, inner].map(({ inputs: [, list] }) => {
      const weight = list && context.weight(list)
      const values = weight && inlineValues(weight.tensor)
      return values && Array.from(values, Number).join()
    })
    return axes[0] !== undefined && axes[0] === axes[1] ? [inner.inputs[0]!] : undefined
  },
}

/** `Flatten(x, axis)` → Reshape, so that one rule knows both. */
export const flattenAsReshape: NodeRule = {
  name: 'flatten-as-reshape',
  anchors: ['Flatten'],
  apply(node, context) {
    const [x] = node.inputs
    const from = x && context.typeOf(x)?.shape
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    const dims = from && to && targetOf(from, to)
    if (!x || !dims) return undefined
    return [context.op('Reshape', [x, context.constant(int64Tensor(dims), 'shape')])]
  },
}
