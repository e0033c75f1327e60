/**
 * Normalizations in parts → LayerNormalization and RMSNormalization (Ba et al. 2016; Zhang & Sennrich 2019).
 *
 * Before opset 17 exporters write `(x − mean) / √(mean((x − mean)²) + ε) · γ + β` with ReduceMean, Pow and Sqrt.
 */
import { float, int, intOf, intsOf } from '../../graph/attributes.ts'
import type { Node } from '../../graph/graph.ts'
import { rule, scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import type { ReadTensor } from '../../graph/tensor.ts'
import { constantInts } from './index-function.ts'

/** True when a ReduceMean is over the last axis and keeps it. */
function overLast(node: Node | undefined, context: RewriteContext): boolean {
  const [x, list] = node?.inputs ?? []
  const rank = x && context.typeOf(x)?.shape?.length
  const axes = node && (list ? constantInts(list, context) : intsOf(node, 'axes'))
  const isLast = axes?.length === 1 && (axes[0] === -1 || axes[0] === (rank ?? 0) - 1)
  return node !== undefined && isLast && intOf(node, 'keepdims', 1) === 1
}

/** The rules; `read` gives the values of constants. */
export const normRules = (read: ReadTensor): readonly NodeRule[] => [
  rule(
    'layer-norm',
    {
      match: (op, x) => {
        const mean = op.as('mean', op.ReduceMean!(x.in!, x.axes!))
        const centred = op.Sub!(x.in!, mean)
        const square = op.either(op.Pow!(centred, op.number(2)), op.Mul!(centred, centred))
        const variance = op.as('variance', op.ReduceMean!(square, x.varianceAxes!))
        const root = op.Sqrt!(op.Add!(variance, op.weight('epsilon')))
        const normal = op.either(op.Div!(centred, root), op.Mul!(centred, op.Reciprocal!(root)))
        return op.Add!(op.Mul!(normal, op.weight('scale')), op.weight('shift'))
      },
      when: (x, context, { nodes }) => {
        if (!overLast(nodes.mean, context) || !overLast(nodes.variance, context)) {
          return 'the mean is not over the last axis'
        }
        if (scalarOf(context.weight(x.epsilon!)!.tensor, read) === undefined) {
          return 'epsilon is not one number'
        }
        const width = context.typeOf(x.in!)?.shape?.at(-1)
        const rows = [x.scale, x.shift].map((value) => context.weight(value!)!.tensor.shape)
        const fits = rows.every((shape) => shape.length === 1 && shape[0] === width)
        return fits || 'scale and shift are not row vectors of the width'
      },
      rewrite: (op, x) =>
        op.op('LayerNormalization', [x.in, x.scale, x.shift], {
          axis: int(-1),
          epsilon: float(scalarOf(op.weight(x.epsilon!)!.tensor, read)!),
        }),
    },
    read,
  ),
]
