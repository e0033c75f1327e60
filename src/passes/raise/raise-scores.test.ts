/** Scores in one form: which masks are put together, and what stays as it was. */
import { describe, expect, it } from 'vitest'
import { int, ints } from '../../graph/attributes.ts'
import { GraphBuilder } from '../../graph/builder.ts'
import type { Value } from '../../graph/graph.ts'
import { floatScalar } from '../../graph/tensor.ts'
import { tensorReader } from '../../onnx/materialize.ts'
import { runPasses } from '../pass.ts'
import { rulePass } from '../rule-pass.ts'
import { dropNanGuard, raiseScores } from './raise-scores.ts'
import { MASKED_SCORE } from './scores-reader.ts'

const { read } = tensorReader()
const pass = rulePass('scores', '', [raiseScores(read), dropNanGuard])

/** The operators left of `softmax(body(QKᵀ))`, guarded against NaN where asked. */
function raised(body: (b: GraphBuilder, scores: Value) => Value, isGuarded = false): string[] {
  const b = new GraphBuilder('scores')
  const head = (name: string) => b.input(name, 'float32', ['batch', 2, 'tokens', 8])
  const turned = b.op('Transpose', [head('key')], { perm: ints([0, 1, 3, 2]) })
  const scores = body(b, b.op('MatMul', [head('query'), turned]))
  const weights = b.op('Softmax', [scores], { axis: int(-1) })
  const guard = () => b.op('Where', [b.op('IsNaN', [weights]), b.constant(floatScalar(0)), weights])
  b.output('weights', isGuarded ? guard() : weights)
  return runPasses(b.build(), [pass]).graph.nodes.map((node) => node.op)
}

const low = (b: GraphBuilder, value = MASKED_SCORE): Value => b.constant(floatScalar(value))
const flags = (b: GraphBuilder, name: string): Value =>
  b.input(name, 'bool', ['batch', 1, 1, 'tokens'])
const marks = (b: GraphBuilder): Value => {
  const ids = b.input('marks', 'int64', ['batch', 1, 1, 'tokens'])
  return b.op('Cast', [ids], { to: int(1) })
}
const opposite = (b: GraphBuilder, mark: Value): Value =>
  b.op('Sub', [b.constant(floatScalar(1)), mark])

describe('raise-scores', () => {
  it('chooses by marks that were added', () => {
    const ops = raised((b, scores) =>
      b.op('Add', [scores, b.op('Mul', [opposite(b, marks(b)), low(b)])]),
    )
    expect(ops).toEqual(['Cast', 'Cast', 'Transpose', 'MatMul', 'Mul', 'Where', 'Softmax'])
  })

  it('keeps as a bias what need not be 0 or 1, and what does not mask wholly', () => {
    const soft = raised((b, scores) => {
      const mark = b.input('soft', 'float32', ['batch', 1, 1, 'tokens'])
      return b.op('Add', [scores, b.op('Mul', [opposite(b, mark), low(b)])])
    })
    const weak = raised((b, scores) =>
      b.op('Add', [scores, b.op('Mul', [opposite(b, marks(b)), low(b, -1e4)])]),
    )
    for (const ops of [soft, weak]) expect(ops.slice(-3)).toEqual(['Mul', 'Add', 'Softmax'])
  })

  it('puts masks of one lowest number together, of two not', () => {
    const both = (second: number) =>
      raised((b, scores) => {
        const once = b.op('Where', [flags(b, 'a'), scores, low(b)])
        return b.op('Where', [flags(b, 'b'), once, low(b, second)])
      })
    const count = (ops: readonly string[], op: string) => ops.filter((other) => other === op).length
    expect(count(both(-3e38), 'Where')).toBe(1)
    expect(count(both(Number.NEGATIVE_INFINITY), 'Where')).toBe(2)
  })

  it('keeps a guard against NaN where infinities may be', () => {
    const masked = (value: number) =>
      raised((b, scores) => b.op('Where', [flags(b, 'a'), scores, low(b, value)]), true)
    expect(masked(MASKED_SCORE)).not.toContain('IsNaN')
    expect(masked(Number.NEGATIVE_INFINITY)).toContain('IsNaN')
    const biased = raised((b, scores) => {
      const bias = b.input('bias', 'float32', ['batch', 1, 1, 'tokens'])
      return b.op('Where', [flags(b, 'a'), b.op('Add', [scores, bias]), low(b)])
    }, true)
    expect(biased).toContain('IsNaN')
  })

  it('leaves a scale over a bias', () => {
    const ops = raised((b, scores) => {
      const bias = b.input('bias', 'float32', [1, 2, 'tokens', 'tokens'])
      return b.op('Mul', [b.op('Add', [scores, bias]), b.constant(floatScalar(0.5))])
    })
    expect(ops).toEqual(['Transpose', 'MatMul', 'Add', 'Mul', 'Softmax'])
  })
})
