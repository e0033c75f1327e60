/**
 * Activations that exporters write in parts → the operators of the canonical opset.
 *
 * Gelu (Hendrycks & Gimpel 2016): ½x(1 + erf(x/√2)), or by tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). The
 * factors stand in any order. SiLU, x·sigmoid(x), and quick Gelu, x·sigmoid(1.702x), stay products, in one
 * spelling.
 */
import { string } from '../../graph/attributes.ts'
import type { Value } from '../../graph/graph.ts'
import {
  type Letters,
  type Matched,
  type Pattern,
  type PatternNotation,
  rule,
  scalarOf,
} from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import type { ReadTensor } from '../../graph/tensor.ts'

type Op = Parameters<Parameters<typeof rule>[1]['match']>[0] & PatternNotation

/** `½ · x · (1 + inner)`, however it is bracketed. */
const halfOf = (op: Op, x: Letters, inner: Pattern): Pattern => {
  const gate = op.Add!(inner, op.number(1))
  return op.either(
    op.Mul!(op.Mul!(x.in!, gate), op.number(0.5)),
    op.Mul!(op.Mul!(x.in!, op.number(0.5)), gate),
    op.Mul!(x.in!, op.Mul!(gate, op.number(0.5))),
    op.Div!(op.Mul!(x.in!, gate), op.number(2)),
  )
}

const scaled = (op: Op, x: Pattern, factor: number): Pattern =>
  op.either(op.Mul!(x, op.number(factor)), op.Div!(x, op.number(1 / factor)))

/** x³ as power or products. */
const cube = (op: Op, x: Letters): Pattern =>
  op.either(op.Pow!(x.in!, op.number(3)), op.Mul!(x.in!, op.Mul!(x.in!, x.in!)))

/** `0.044715 · x³`, its factors in any order. */
const cubic = (op: Op, x: Letters): Pattern =>
  op.either(
    op.Mul!(cube(op, x), op.number(0.044715)),
    op.Mul!(op.Mul!(op.Mul!(x.in!, x.in!), op.number(0.044715)), x.in!),
    op.Mul!(op.Mul!(op.Mul!(x.in!, op.number(0.044715)), x.in!), x.in!),
  )

/** A number of more axes than x has would add them to the result. */
export function keepsRank(
  x: Readonly<Record<string, Value>>,
  context: RewriteContext,
  { anchor }: Matched,
): true | string {
  const [from, to] = [x.in!, anchor.outputs[0]!].map((value) => context.typeOf(value)?.shape)
  if (!from || !to) return 'the number of its axes is not known'
  return from.length === to.length || `a number adds axes: ${from.length} become ${to.length}`
}

/** `x·sigmoid(c·x)` in another order of factors → `Mul(x, Sigmoid(Mul(x, c)))`. */
const sigmoidGate = (read: ReadTensor): NodeRule => ({
  name: 'sigmoid-gate',
  anchors: ['Mul'],
  apply(node, context) {
    const part = (value: Value | undefined, op: string) => {
      const found = value && context.producer(value)
      return found?.op === op && found.domain === '' ? found : undefined
    }
    const [left, right] = node.inputs
    const isLeft = part(left, 'Sigmoid')?.inputs[0] !== undefined
    const [x, gate] = isLeft && !part(right, 'Sigmoid') ? [right, left] : [left, right]
    const sigmoid = part(gate, 'Sigmoid')
    const inner = sigmoid?.inputs[0]
    if (!x || !gate || !inner) return undefined
    // SiLU
    if (inner === x) return x === left ? undefined : [context.op('Mul', [x, gate])]
    const [a, b] = part(inner, 'Mul')?.inputs ?? []
    const factor = a === x ? b : b === x ? a : undefined
    const tensor = factor && context.weight(factor)?.tensor
    const number = scalarOf(tensor, read)
    if (!factor || number === undefined || (x === left && a === x)) return undefined
    const rank = context.typeOf(x)?.shape?.length
    if (rank === undefined || tensor!.shape.length > rank) return undefined
    if (context.uses(gate) > 1 || context.uses(inner) > 1) {
      const value = context.uses(gate) > 1 ? gate : inner
      context.miss('sigmoid-gate', 3, 'is read elsewhere', value)
      return undefined
    }
    const scaled = context.op('Mul', [x, factor])
    return [context.op('Mul', [x, context.op('Sigmoid', [scaled])])]
  },
})

/** The rules; `read` gives the values of constants. */
export const activationRules = (read: ReadTensor): readonly NodeRule[] => [
  rule(
    'gelu-erf',
    {
      match: (op, x) => halfOf(op, x, op.Erf!(scaled(op, x.in!, Math.SQRT1_2))),
      when: keepsRank,
      rewrite: (op, x) => op.op('Gelu', [x.in]),
    },
    read,
  ),
  rule(
    'gelu-tanh',
    {
      match: (op, x) => {
        const sum = op.Add!(x.in!, cubic(op, x))
        const factored = op.Mul!(
          x.in!,
          op.Add!(op.Mul!(op.Mul!(x.in!, x.in!), op.number(0.044715)), op.number(1)),
        )
        const factor = Math.sqrt(2 / Math.PI)
        const inner = op.either(scaled(op, sum, factor), scaled(op, factored, factor))
        return halfOf(op, x, op.Tanh!(inner))
      },
      when: keepsRank,
      rewrite: (op, x) => op.op('Gelu', [x.in], { approximate: string('tanh') }),
    },
    read,
  ),
  sigmoidGate(read),
]
