/**
 * What follows from constants alone is computed once, here: small values on the host, transposes and
 * casts of large ones lazily (they are computed while the file is written).
 *
 * A parameter is not a constant: nothing is computed from its values. It may only change its layout,
 * and keeps its name when it does.
 */
import { intsOf } from '../graph/attributes.ts'
import type { Value } from '../graph/graph.ts'
import { type NodeRule, rewrite } from '../graph/rewrite.ts'
import { type ReadTensor, transposed } from '../graph/tensor.ts'
import { foldNode } from '../ops/fold-node.ts'
import { knowTypes } from '../ops/infer-types.ts'
import { knownOps } from '../ops/known.ts'
import type { Pass } from './pass.ts'

/** `Transpose(parameter)` → the parameter in that order. */
const foldLayout: NodeRule = {
  name: 'fold-layout',
  anchors: ['Transpose'],
  apply(node, context) {
    const [x] = node.inputs
    const weight = x && context.weight(x)
    const perm = intsOf(node, 'perm')
    if (!x || !weight?.parameter || !perm) return undefined
    return [context.addWeight({ ...weight, tensor: transposed(weight.tensor, perm) }, x.name)]
  },
}

const foldComputed = (read: ReadTensor): NodeRule => ({
  name: 'fold-constants',
  anchors: knownOps,
  apply(node, context) {
    const constant = (value: Value) => {
      const weight = context.weight(value)
      return weight?.parameter ? undefined : weight?.tensor
    }
    const tensors = foldNode(node, constant, { read, typeOf: (value) => context.typeOf(value) })
    return tensors?.map((tensor, i) => tensor && context.constant(tensor, node.outputs[i]!.name))
  },
})

/** Folds to a fixed point. */
export function foldConstants(read: ReadTensor): Pass {
  const rules = [foldLayout, foldComputed(read)]
  return {
    name: 'fold-constants',
    summary: 'Computes what follows from constants alone.',
    apply: (graph, trace) => rewrite(graph, rules, { trace, know: knowTypes }),
  }
}
