/**
 * Sizes that are a dimension of an input, read from it at once: `Unsqueeze(Gather(Shape(…), 1))` and its like
 * → `Shape(input, 1, 2)`.
 */
import { int } from '../../graph/attributes.ts'
import type { NodeRule } from '../../graph/rewrite.ts'
import { int64Tensor } from '../../graph/tensor.ts'
import type { InferredType } from '../../ops/infer/infer-row.ts'

/** A one-element int64 list whose content is known → a constant, or a dimension of an input. */
export const knownSize: NodeRule = {
  name: 'known-size',
  anchors: ['Unsqueeze', 'Gather', 'Slice', 'Reshape', 'Concat', 'Cast', 'Squeeze'],
  apply(node, context) {
    const [output] = node.outputs
    const type = output && (context.typeOf(output) as InferredType | undefined)
    const [size] = type?.known ?? []
    if (type?.dtype !== 'int64' || size === undefined) return undefined
    if (type.shape?.length !== 1 || type.known?.length !== 1) return undefined
    if (typeof size === 'number') return [context.constant(int64Tensor([size]), 'size')]
    for (const { value } of context.graph.inputs) {
      const axis = context.typeOf(value)?.shape?.indexOf(size) ?? -1
      if (axis >= 0) return [context.op('Shape', [value], { start: int(axis), end: int(axis + 1) })]
    }
    return undefined
  },
}
