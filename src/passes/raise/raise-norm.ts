/**
 * Normalizations in parts → LayerNormalization and RMSNormalization (Ba et al. 2016; Zhang & Sennrich 2019).
 *
 * Before opset 17 exporters write `(x − mean) / √(mean((x − mean)²) + ε) · γ + β` with ReduceMean, Pow and Sqrt;
 * before 23 they write `x / √(mean(x²) + ε) · γ` alike. The shift may be missing.
 */
import { float, int, intOf, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import {
  type Letters,
  type Matched,
  type Pattern,
  type PatternNotation,
  rule,
  scalarOf,
} from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { type Dim, dimText } from '../../graph/shape.ts'
import type { ReadTensor } from '../../graph/tensor.ts'
import { constantInts } from '../constant-ints.ts'
import { keepsRank } from './raise-activations.ts'

type Op = Parameters<Parameters<typeof rule>[1]['match']>[0] & PatternNotation
type Values = Readonly<Record<string, Value>>

/** True when a ReduceMean is over the last axis and keeps it. */
function overLast(node: Node | undefined, context: RewriteContext): boolean {
  const [x, list] = node?.inputs ?? []
  const rank = x && context.typeOf(x)?.shape?.length
  const axes = node && (list ? constantInts(list, context) : intsOf(node, 'axes'))
  const isLast = axes?.length === 1 && (axes[0] === -1 || axes[0] === (rank ?? 0) - 1)
  return node !== undefined && isLast && intOf(node, 'keepdims', 1) === 1
}

const squared = (op: Op, x: Pattern): Pattern => op.either(op.Pow!(x, op.number(2)), op.Mul!(x, x))

/** `x / √(mean(x²) + ε)`, by Div or by a Reciprocal. */
function normal(op: Op, x: Letters, centred: Pattern): Pattern {
  const mean = op.as('variance', op.ReduceMean!(squared(op, centred), x.varianceAxes!))
  const root = op.Sqrt!(op.Add!(mean, op.weight('epsilon')))
  const one = op.number(1)
  return op.either(
    op.Div!(centred, root),
    op.Mul!(centred, op.either(op.Reciprocal!(root), op.Div!(one, root))),
  )
}

function centredOf(op: Op, x: Letters): Pattern {
  return op.Sub!(x.in!, op.as('mean', op.ReduceMean!(x.in!, x.axes!)))
}

/** Why a weight is no row of the width; undefined when it is. */
function notRow(value: Value, width: Dim, context: RewriteContext): string | undefined {
  const { shape } = context.weight(value)!.tensor
  if (shape.length === 1 && shape[0] === width) return undefined
  return `${value.name} is [${shape}], expected a row of the width ${dimText(width)}`
}

/** `LayerNormalization(x, γ) + β` → `LayerNormalization(x, γ, β)`. */
const normShift: NodeRule = rule('norm-shift', {
  match: (op, x) =>
    op.Add!(op.as('norm', op.LayerNormalization!(x.in!, x.scale!)), op.weight('shift')),
  when: (x, context, { nodes }) => {
    if (nodes.norm!.outputs.length > 1) return 'its mean is read'
    return notRow(x.shift!, context.typeOf(x.in!)?.shape?.at(-1) ?? null, context) ?? true
  },
  rewrite: (op, x, { nodes }) =>
    op.op('LayerNormalization', [x.in, x.scale, x.shift], nodes.norm!.attributes),
})

/** True when the parts are the operator's; otherwise why not. */
const fits =
  (read: ReadTensor) =>
  (x: Values, context: RewriteContext, matched: Matched): true | string => {
    const means = Object.values(matched.nodes)
    if (!means.every((mean) => overLast(mean, context))) return 'the mean is not over the last axis'
    if (scalarOf(context.weight(x.epsilon!)!.tensor, read) === undefined) {
      return 'epsilon is not one number'
    }
    const type = context.typeOf(x.in!)
    if (type?.dtype === 'float64') return 'the operator computes in float32, this in float64'
    const width = type?.shape?.at(-1) ?? null
    return notRow(x.scale!, width, context) ?? keepsRank(x, context, matched)
  }

/** The rules; `read` gives the values of constants. */
export function normRules(read: ReadTensor): readonly NodeRule[] {
  const write = (name: string, op: RewriteContext, x: Values) =>
    op.op(name, [x.in, x.scale], {
      axis: int(-1),
      epsilon: float(scalarOf(op.weight(x.epsilon!)!.tensor, read)!),
    })
  const when = fits(read)
  return [
    rule(
      'layer-norm',
      {
        match: (op, x) => op.Mul!(normal(op, x, centredOf(op, x)), op.weight('scale')),
        when,
        rewrite: (op, x) => write('LayerNormalization', op, x),
      },
      read,
    ),
    rule(
      'rms-norm',
      {
        match: (op, x) => op.Mul!(normal(op, x, x.in!), op.weight('scale')),
        when,
        rewrite: (op, x) => write('RMSNormalization', op, x),
      },
      read,
    ),
    normShift,
  ]
}
