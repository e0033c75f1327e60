/**
 * Rotary positions as exporters write them, `x·cos + [−x₂, x₁]·sin` on heads `[B, H, S, d]` with the angles
 * doubled to d, → the form of our own (`models/rotary.ts`): the halves of one Split on `[B, S, H, d]`, turned by
 * angles `[S, 1, d/2]`.
 */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { rule } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalDims } from '../../graph/shape.ts'
import { constantInts } from '../constant-ints.ts'

type Letters = Readonly<Record<string, Value>>

/** Rewrites the turning of queries or keys. */
export const raiseRotary: NodeRule = rule('raise-rotary', {
  match: (op, x) =>
    op.Add!(
      op.Mul!(x.in!, x.cos!),
      op.Mul!(
        op.Concat!(op.Neg!(x.second!), x.first!, {
          axis: (found) => [-1, 3].includes(Number(found?.value)),
        }),
        x.sin!,
      ),
    ),
  when: (x, context) => reasonAgainst(x, context) ?? true,
  rewrite: (op, x) => {
    const heads = tokenMajor(x.in!, op)!
    const [first, second] = op.ops('Split', [heads], 2, { axis: int(-1), num_outputs: int(2) })
    const angles = op.op('Transpose', [halfAngles(x.cos!, 'Cos', op)!], { perm: ints([1, 0, 2]) })
    const [cos, sin] = [op.op('Cos', [angles]), op.op('Sin', [angles])]
    const times = (a: Value | undefined, b: Value) => op.op('Mul', [a, b])
    const turned = [
      op.op('Sub', [times(first, cos), times(second, sin)]),
      op.op('Add', [times(second, cos), times(first, sin)]),
    ]
    const both = op.op('Concat', turned, { axis: int(-1) })
    return op.op('Transpose', [both], { perm: ints([0, 2, 1, 3]) })
  },
})

const producer = (value: Value | undefined, op: string, context: RewriteContext) => {
  const node = value && context.producer(value)
  return node?.op === op && node.domain === '' ? node : undefined
}

/** `[B, S, H, d]` of heads `[B, H, S, d]`, where they were turned from it. */
function tokenMajor(heads: Value, context: RewriteContext): Value | undefined {
  const turn = producer(heads, 'Transpose', context)
  return turn && intsOf(turn, 'perm')?.join() === '0,2,1,3' ? turn.inputs[0] : undefined
}

/** Angles `[1, S, d/2]` whose function, doubled, is the factor `[1, 1, S, d]`. */
function halfAngles(factor: Value, op: 'Cos' | 'Sin', context: RewriteContext): Value | undefined {
  const unsqueeze = producer(factor, 'Unsqueeze', context)
  const axes = unsqueeze?.inputs[1] && constantInts(unsqueeze.inputs[1], context)
  const doubled = axes?.join() === '1' && producer(unsqueeze?.inputs[0], op, context)?.inputs[0]
  const concat = doubled ? producer(doubled, 'Concat', context) : undefined
  const [angles, again, ...more] = concat?.inputs ?? []
  if (!concat || !angles || angles !== again || more.length > 0) return undefined
  const shape = context.typeOf(angles)?.shape
  const isLast = [-1, 2].includes(intOf(concat, 'axis', 0))
  return isLast && shape?.length === 3 && shape[0] === 1 ? angles : undefined
}

/** Which half of `whole` along the last of four axes a value is: 0 or 1. */
function halfOf(value: Value, whole: Value, size: number, context: RewriteContext) {
  const split = producer(value, 'Split', context)
  if (split) {
    const sizes = split.inputs[1] ? constantInts(split.inputs[1], context) : [size / 2, size / 2]
    const fits = split.inputs[0] === whole && split.outputs.length === 2 && sizes?.[0] === size / 2
    return fits && isLast(intOf(split, 'axis', 0)) ? split.outputs.indexOf(value) : undefined
  }
  const slice: Node | undefined = producer(value, 'Slice', context)
  const [data, ...bounds] = slice?.inputs ?? []
  const [start, end, axis, step] = bounds.map((input) => input && constantInts(input, context))
  if (data !== whole || start?.length !== 1 || end?.length !== 1 || axis?.length !== 1)
    return undefined
  if (!isLast(axis[0]!) || (bounds[3] && step?.join() !== '1')) return undefined
  const at = [start[0]!, end[0]!].map((place) => Math.min(place < 0 ? place + size : place, size))
  if (at[0] === 0 && at[1] === size / 2) return 0
  return at[0] === size / 2 && at[1] === size ? 1 : undefined
}

const isLast = (axis: number): boolean => axis === -1 || axis === 3

/** Undefined when the match is a turning by halves; otherwise why not. */
function reasonAgainst(x: Letters, context: RewriteContext): string | undefined {
  const shape = context.typeOf(x.in!)?.shape
  const size = shape?.[3]
  if (shape?.length !== 4 || typeof size !== 'number' || size % 2 !== 0) {
    return 'what turns is not known to be [batch, heads, tokens, size]'
  }
  if (!tokenMajor(x.in!, context))
    return 'the heads were not turned from [batch, tokens, heads, size]'
  if (halfOf(x.first!, x.in!, size, context) !== 0) return 'the second part is not the first half'
  if (halfOf(x.second!, x.in!, size, context) !== 1) return 'what is negated is not the second half'
  const angles = halfAngles(x.cos!, 'Cos', context)
  if (!angles) return 'the factor is not the cosine of angles that are doubled'
  if (halfAngles(x.sin!, 'Sin', context) !== angles) return 'cosine and sine are of other angles'
  const [, tokens, half] = context.typeOf(angles)!.shape!
  const fits = equalDims(tokens!, shape[2]!) === true && half === size / 2
  return fits ? undefined : 'the angles are not [1, tokens, half a head]'
}
