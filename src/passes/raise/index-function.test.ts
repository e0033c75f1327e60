/** Index functions: what is affine in the index, and what only looks so. */
import { describe, expect, it } from 'vitest'
import { int } from '../../graph/attributes.ts'
import { GraphBuilder } from '../../graph/builder.ts'
import type { Value } from '../../graph/graph.ts'
import { type NodeRule, rewrite } from '../../graph/rewrite.ts'
import { float32Tensor, int64Tensor } from '../../graph/tensor.ts'
import { knowTypes } from '../../ops/infer-types.ts'
import { type IndexFunction, indexFunction } from './index-function.ts'

/** The function of what `body` gives. */
function functionOf(body: (b: GraphBuilder, x: Value) => Value): IndexFunction | undefined {
  const b = new GraphBuilder('indices')
  const x = b.input('x', 'float32', ['batch', 'tokens', 4])
  const result = body(b, x)
  b.output('y', b.op('Neg', [result]))
  let found: IndexFunction | undefined
  const look: NodeRule = {
    name: 'look',
    anchors: ['Neg'],
    apply: (node, context) => void (found = indexFunction(node.inputs[0]!, context)),
  }
  rewrite(b.build(), [look], { know: knowTypes })
  return found
}

const number = (b: GraphBuilder, value: number): Value => b.constant(int64Tensor([value], []))
const range = (b: GraphBuilder, x: Value, axis: number, [from, by] = [0, 1]): Value => {
  const size = b.op('Shape', [x], { start: int(axis), end: int(axis + 1) })
  const limit = b.op('Squeeze', [size, b.int64s([0])])
  return b.op('Range', [number(b, from!), limit, number(b, by!)])
}

describe('indexFunction', () => {
  it('follows rows and columns', () => {
    const found = functionOf((b, x) => {
      const rows = b.op('Unsqueeze', [range(b, x, 0), b.int64s([1])])
      return b.op('Add', [b.op('Mul', [rows, number(b, 7)]), range(b, x, 1)])
    })
    expect(found).toEqual({ offset: 0, steps: [7, 1] })
  })

  it('reads steps, offsets and stored lists', () => {
    expect(functionOf((b, x) => range(b, x, 1, [2, 3]))).toEqual({ offset: 2, steps: [3] })
    const list = (values: number[]) => functionOf((b) => b.constant(int64Tensor(values)))
    expect(list([4, 6, 8])).toEqual({ offset: 4, steps: [2] })
    expect(list([4, 6, 9])).toBeUndefined()
  })

  it('takes no halves for whole numbers', () => {
    const halves = functionOf((b) =>
      b.op('Cast', [b.constant(float32Tensor([0.5, 1.5, 2.5]))], { to: int(7) }),
    )
    expect(halves).toBeUndefined()
  })

  it('takes no axis that may be one element stretched', () => {
    const sum = functionOf((b, x) => b.op('Add', [range(b, x, 0), range(b, x, 1)]))
    expect(sum).toBeUndefined()
  })

  it('takes no Slice along a computed axis', () => {
    const cut = functionOf((b, x) => {
      const axes = b.op('Shape', [x], { start: int(0), end: int(1) })
      return b.op('Slice', [range(b, x, 1), b.int64s([0]), b.int64s([2]), axes])
    })
    expect(cut).toBeUndefined()
  })
})
