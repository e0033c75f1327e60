/**
 * A graph exported in training mode, made one for inference: Dropout passes its input on, and batch
 * normalization uses the statistics that it has learned instead of those of the batch.
 */
import { intOf } from '../../graph/attributes.ts'
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

/** `BatchNormalization` of the batch's own statistics, when nobody reads those it goes on with. */
const batchNorm: NodeRule = {
  name: 'switch-off-batch-statistics',
  anchors: ['BatchNormalization'],
  apply(node, context) {
    const later = node.outputs.slice(1)
    if (intOf(node, 'training_mode', 0) === 0) return undefined
    if (later.some((output) => output && context.uses(output) > 0)) {
      context.miss(this.name, 1, 'its running statistics are read', later[0])
      return undefined
    }
    const { training_mode: _, ...attributes } = node.attributes
    return [context.op('BatchNormalization', node.inputs, attributes)]
  },
}

/** What changes when a graph only answers. */
export const inferenceRules: readonly NodeRule[] = [dropout, batchNorm]
