/** Work that changes nothing: each rule where it holds, and the near cases where it does not. */
import { describe, expect, it } from 'vitest'
import { int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/graph.ts'
import { float32Tensor, floatScalar, inlineTensor, int64Tensor } from '../graph/tensor.ts'
import { eliminateRules } from './eliminate.ts'
import { rulePass } from './rule-pass.ts'

type Build = (b: GraphBuilder, x: Value) => Value
const pass = rulePass('eliminate', '', eliminateRules)

/** Operators that are left between x `[batch, 3]` and the output. */
function left(build: Build): string[] {
  const b = new GraphBuilder('g')
  b.output('y', build(b, b.input('x', 'float32', ['batch', 3])))
  return pass.apply(b.build()).nodes.map((node) => node.op)
}
const number = (op: string, value: number, swapped = false, shape: number[] = []): Build => {
  return (b, x) => {
    const constant = b.constant(float32Tensor([value], shape))
    return b.op(op, swapped ? [constant, x] : [x, constant])
  }
}
const reshape =
  (...sizes: number[]): Build =>
  (b, x) =>
    b.op('Reshape', [x, b.int64s(sizes)])
const turn = (x: Value, b: GraphBuilder, ...perm: number[]): Value =>
  b.op('Transpose', [x], { perm: ints(perm) })

describe('eliminates', () => {
  it.each<[string, Build]>([
    ['Identity', (b, x) => b.op('Identity', [x])],
    ['Dropout at inference', (b, x) => b.op('Dropout', [x])],
    ['Cast to the same type', (b, x) => b.op('Cast', [x], { to: int(1) })],
    ['x + 0', number('Add', 0)],
    ['0 + x', number('Add', 0, true)],
    ['x - 0', number('Sub', 0)],
    ['x · 1', number('Mul', 1)],
    ['1 · x, a matrix of one', number('Mul', 1, true, [1, 1])],
    ['x / 1', number('Div', 1)],
    ['x ^ 1', number('Pow', 1)],
    ['a transpose that moves nothing', (b, x) => turn(x, b, 0, 1)],
    ['a transpose and its inverse', (b, x) => turn(turn(x, b, 1, 0), b, 1, 0)],
    ['Reshape to its own shape', reshape(-1, 3)],
    ['Reshape that copies both dimensions', reshape(0, 0)],
    ['Reshape away and back', (b, x) => reshape(-1, 3)(b, reshape(3, -1)(b, x))],
    ['Expand to its own shape', (b, x) => b.op('Expand', [x, b.op('Shape', [x])])],
  ])('%s', (_, build) => {
    expect(left(build)).toEqual([])
  })
})

describe('keeps', () => {
  it.each<[string, Build, string[]]>([
    ['Cast to another type', (b, x) => b.op('Cast', [x], { to: int(11) }), ['Cast']],
    ['x + 1', number('Add', 1), ['Add']],
    ['0 - x', number('Sub', 0, true), ['Sub']],
    ['1 / x', number('Div', 1, true), ['Div']],
    ['1 ^ x', number('Pow', 1, true), ['Pow']],
    ['x + 0 that adds an axis', number('Add', 0, false, [1, 1, 1]), ['Add']],
    [
      'x · 1 for each column',
      (b, x) => b.op('Mul', [x, b.constant(float32Tensor([1, 1, 1]))]),
      ['Mul'],
    ],
    [
      'two transposes, as one',
      (b, x) =>
        b.op('Exp', [turn(turn(b.op('Unsqueeze', [x, b.int64s([0])]), b, 2, 0, 1), b, 2, 0, 1)]),
      ['Unsqueeze', 'Transpose', 'Exp'],
    ],
    ['Reshape to another shape', reshape(1, -1), ['Reshape']],
    ['two reshapes, as one', (b, x) => reshape(1, -1)(b, reshape(-1)(b, x)), ['Reshape']],
    [
      'two reshapes when the second copies',
      (b, x) => reshape(0, -1)(b, reshape(-1)(b, x)),
      ['Reshape', 'Reshape'],
    ],
    ['Expand to more rows', (b, x) => b.op('Expand', [x, b.int64s([2, 1, 3])]), ['Expand']],
  ])('%s', (_, build, ops) => {
    expect(left(build)).toEqual(ops)
  })

  it('Dropout that trains, or whose mask is read', () => {
    const flag =
      (value: number): Build =>
      (b, x) => {
        const training = b.constant(inlineTensor('bool', [], Uint8Array.of(value)))
        return b.op('Dropout', [x, b.constant(floatScalar(0.5)), training])
      }
    expect(left(flag(1))).toEqual(['Dropout'])
    expect(left(flag(0))).toEqual([])
    const masked: Build = (b, x) => {
      const [y, mask] = b.ops('Dropout', [x], 2)
      return b.op('Where', [mask, y, x])
    }
    expect(left(masked)).toEqual(['Dropout', 'Where'])
  })

  it('the first of two transposes when it is read elsewhere', () => {
    const build: Build = (b, x) => {
      const turned = turn(x, b, 1, 0)
      return b.op('MatMul', [turn(turned, b, 1, 0), turned])
    }
    expect(left(build)).toEqual(['Transpose', 'Transpose', 'MatMul'])
  })

  it('Reshape between dimensions that are not known to be equal', () => {
    const b = new GraphBuilder('g')
    const x = b.input('x', 'float32', ['a', 'b'])
    const shape = b.op('Shape', [b.input('y', 'float32', ['b', 'a'])])
    b.output('z', b.op('Reshape', [x, shape]))
    b.output('w', b.op('Reshape', [x, b.constant(int64Tensor([-1, 1]))]))
    const graph = b.build()
    expect(pass.apply(graph)).toBe(graph)
  })
})
