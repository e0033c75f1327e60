/**
 * Shapes read from graph inputs: `Shape(x)` of an inner value whose symbolic dimensions are those of an
 * input becomes `Shape(input)`, so that all shape arithmetic meets in one place and can be shared.
 */
import { int, intOf } from '../graph/attributes.ts'
import type { NodeRule } from '../graph/rewrite.ts'
import type { Shape } from '../graph/shape.ts'
import { int64Tensor } from '../graph/tensor.ts'

/** Rewrites `Shape(x, start, end)` by known dimensions. */
export const shapeSource: NodeRule = {
  name: 'shape-source',
  anchors: ['Shape'],
  apply(node, context) {
    const [x] = node.inputs
    const shape = x && context.typeOf(x)?.shape
    if (!x || !shape) return undefined
    const dims = shape.slice(intOf(node, 'start', 0), intOf(node, 'end', shape.length))
    if (dims.every((dim) => typeof dim === 'number')) {
      return [context.constant(int64Tensor(dims), 'shape')]
    }
    if (context.graph.inputs.some(({ value }) => value === x)) return undefined
    for (const { value } of context.graph.inputs) {
      const candidate = context.typeOf(value)?.shape
      const start = candidate && startOf(dims, candidate)
      if (start === undefined) continue
      const attributes = { start: int(start), end: int(start + dims.length) }
      return [context.op('Shape', [value], attributes)]
    }
    return undefined
  },
}

/** Where `dims` stand in `candidate`; undefined when they do not, or one is unknown. */
function startOf(dims: Shape, candidate: Shape): number | undefined {
  for (let start = 0; start + dims.length <= candidate.length; start++) {
    if (dims.every((dim, i) => dim !== null && dim === candidate[start + i])) return start
  }
  return undefined
}
