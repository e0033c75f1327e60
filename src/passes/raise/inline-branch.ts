/**
 * `If` whose condition is a constant → the nodes of the branch that it takes. Tracing exporters write one where
 * the model's code asks for something that is known, and both branches then travel with every copy.
 */
import { type Graph, mapUses, type Value } from '../../graph/graph.ts'
import { scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'

/** Puts the branch in the place of the operator. */
export const inlineBranch: NodeRule = {
  name: 'inline-branch',
  anchors: ['If'],
  apply(node, context) {
    const [condition] = node.inputs
    const taken = condition && scalarOf(context.weight(condition)?.tensor)
    if (taken === undefined) {
      context.miss('inline-branch', 1, 'the condition is no constant', condition)
      return undefined
    }
    const branch = node.attributes[taken === 0 ? 'else_branch' : 'then_branch']
    return branch?.type === 'graph' ? inlined(branch.value, context) : undefined
  },
}

/** Writes the nodes of a body; the values of its outputs. */
function inlined(body: Graph, context: RewriteContext): Value[] {
  const values = new Map<Value, Value>()
  const read = (value: Value): Value => values.get(value) ?? value
  for (const [value, weight] of body.weights) {
    values.set(value, context.addWeight(weight, value.name))
  }
  for (const original of body.nodes) {
    const { op, domain, inputs, outputs, attributes, origin, quantization } = mapUses(
      original,
      read,
    )
    const options = { domain, origin, quantization }
    const made = context.ops(op, inputs, outputs.length, attributes, options)
    outputs.forEach((output, i) => {
      if (output) values.set(output, made[i]!)
    })
  }
  return body.outputs.map(({ value }) => read(value))
}
