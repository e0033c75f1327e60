/** Scales and shifts that become part of a linear layer, and those that stand for themselves. */
import { describe, expect, it } from 'vitest'
import { ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { hostArray } from '../graph/data-type.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { printGraph } from '../graph/print.ts'
import { float32Tensor } from '../graph/tensor.ts'
import { materialize } from '../onnx/materialize.ts'
import { verifyGraph } from '../ops/verify.ts'
import { foldAffine } from './fold-affine.ts'
import { rulePass } from './rule-pass.ts'

interface Change {
  readonly residual?: boolean
  readonly scale?: readonly number[]
  readonly bare?: boolean
  readonly exposed?: 'sum' | 'scaled'
}

/** `(x·[[1, 2], [3, 4]]ᵀ + [5, 6] (+ z))·[10, 20] + [7, 8]` */
function norm(change: Change = {}): Graph {
  const b = new GraphBuilder('norm')
  const row = (name: string, values: readonly number[], shape = [values.length]): Value =>
    b.parameter({ name }, float32Tensor([...values], shape))
  const weight = row('weight', [1, 2, 3, 4], [2, 2])
  const product = b.scope('dense', () =>
    b.op('MatMul', [
      b.input('x', 'float32', ['tokens', 2]),
      b.op('Transpose', [weight], { perm: ints([1, 0]) }),
    ]),
  )
  const biased = change.bare ? product : b.op('Add', [product, row('bias', [5, 6])])
  const sum = change.residual
    ? b.op('Add', [b.input('z', 'float32', ['tokens', 2]), biased])
    : biased
  const scaled = b.op('Mul', [sum, row('scale', change.scale ?? [10, 20])])
  b.output('y', b.op('Add', [scaled, row('shift', [7, 8])]))
  if (change.exposed) b.output('other', change.exposed === 'sum' ? sum : scaled)
  return verifyGraph(b.build())
}

const folded = (change: Change): Graph =>
  verifyGraph(rulePass('fold', '', [foldAffine]).apply(norm(change)))

describe('fold-affine', () => {
  it('puts scale and shift into weight and bias', () => {
    const graph = folded({})
    expect(graph.nodes.map(({ op, origin }) => `${origin}/${op}`)).toEqual([
      'dense/Transpose',
      'dense/MatMul',
      'dense/Add',
    ])
    const numbers = [...graph.weights.values()].map(({ tensor }) => [
      ...hostArray(tensor.dtype, materialize(tensor)),
    ])
    expect(numbers).toContainEqual([10, 20, 60, 80])
    expect(numbers).toContainEqual([57, 128])
  })

  it('scales what is added to the layer', () => {
    expect(printGraph(folded({ residual: true }))).toMatchSnapshot()
  })

  it.each<[string, Change]>([
    ['a scale for all columns together', { scale: [10] }],
    ['a layer without a bias', { bare: true }],
    ['a sum that someone else reads', { exposed: 'sum' }],
    ['a scaled value that someone else reads', { exposed: 'scaled' }],
  ])('leaves %s', (_, change) => {
    expect(printGraph(folded(change))).toBe(printGraph(norm(change)))
  })
})
