/**
 * A graph exported in training mode, made one for inference: Dropout passes its input on.
 */
import type { NodeRule } from '../../graph/rewrite.ts'

/** `Dropout(x)`, whatever its mode, when nobody reads the mask. */
const dropout: NodeRule = {
  name: 'switch-off-dropout',
  anchors: ['Dropout'],
  apply(node, context) {
    const [x] = node.inputs
    const mask = node.outputs[1]
    return x && (!mask || context.uses(mask) === 0) ? [x] : undefined
  },
}

/** What changes when a graph only answers. */
export const inferenceRules: readonly NodeRule[] = [dropout]
