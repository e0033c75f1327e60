/**
 * What follows from constants alone is computed once, here: small values on the host, transposes and
 * casts of weights lazily (they are computed while the file is written).
 */
import { intsOf } from '../graph/attributes.ts'
import type { NodeRule } from '../graph/rewrite.ts'
import { rewrite } from '../graph/rewrite.ts'
import { type ReadTensor, transposed } from '../graph/tensor.ts'
import { knowTypes } from '../ops/infer-types.ts'
import type { Pass } from './pass.ts'

/** `Transpose(weight)` → the weight in that order; the parameter keeps its name. */
const foldTranspose: NodeRule = {
  name: 'fold-transpose',
  anchors: ['Transpose'],
  apply(node, context) {
    const [x] = node.inputs
    const weight = x && context.weight(x)
    const perm = intsOf(node, 'perm')
    if (!x || !weight || !perm) return undefined
    return [context.addWeight({ ...weight, tensor: transposed(weight.tensor, perm) }, x.name)]
  },
}

/** Folds to a fixed point. */
export function foldConstants(_read: ReadTensor): Pass {
  const rules = [foldTranspose]
  return {
    name: 'fold-constants',
    summary: 'Computes what follows from constants alone.',
    apply: (graph, trace) => rewrite(graph, rules, { trace, know: knowTypes }),
  }
}
