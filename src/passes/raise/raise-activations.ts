/**
 * Activations that exporters write in parts → the operators of the canonical opset.
 *
 * Gelu (Hendrycks & Gimpel 2016): ½x(1 + erf(x/√2)), or by tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). The
 * factors stand in any order. SiLU, x·sigmoid(x), is canonical as it is written.
 */
import { string } from '../../graph/attributes.ts'
import { type Letters, type Pattern, type PatternNotation, rule } from '../../graph/pattern.ts'
import type { NodeRule } from '../../graph/rewrite.ts'
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

/** The rules; `read` gives the values of constants. */
export const activationRules = (read: ReadTensor): readonly NodeRule[] => [
  rule(
    'gelu-erf',
    {
      match: (op, x) => halfOf(op, x, op.Erf!(scaled(op, x.in!, Math.SQRT1_2))),
      rewrite: (op, x) => op.op('Gelu', [x.in]),
    },
    read,
  ),
  rule(
    'gelu-tanh',
    {
      match: (op, x) => {
        const sum = op.Add!(x.in!, op.Mul!(cube(op, x), op.number(0.044715)))
        const factored = op.Mul!(
          x.in!,
          op.Add!(op.Mul!(op.Mul!(x.in!, x.in!), op.number(0.044715)), op.number(1)),
        )
        const factor = Math.sqrt(2 / Math.PI)
        const inner = op.either(scaled(op, sum, factor), scaled(op, factored, factor))
        return halfOf(op, x, op.Tanh!(inner))
      },
      rewrite: (op, x) => op.op('Gelu', [x.in], { approximate: string('tanh') }),
    },
    read,
  ),
]
