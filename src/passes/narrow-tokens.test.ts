/** One token moved up against the flow: what it passes, and where it must stop. */
import { describe, expect, it } from 'vitest'
import { int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { newTrace } from '../graph/rewrite-trace.ts'
import { float32Tensor, int64Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { verifyGraph } from '../ops/verify.ts'
import { narrowTokens } from './narrow-tokens.ts'

type Body = (b: GraphBuilder, x: Value) => Value

/** What reads the first token of `body(x)`, x `[batch, tokens, 4]`. */
function firstToken(body: Body, exposed = false): Graph {
  const b = new GraphBuilder('first')
  const whole = body(b, b.input('x', 'float32', ['batch', 'tokens', 4]))
  const position = b.constant(int64Tensor([0], []), 'position')
  b.output('y', b.op('Gather', [whole, position], { axis: int(1) }))
  if (exposed) b.output('whole', whole)
  return verifyGraph(b.build())
}

const matrix = (b: GraphBuilder, ...shape: number[]): Value =>
  b.parameter(
    { name: `w${shape}` },
    float32Tensor(new Array(shape.reduce((a, c) => a * c, 1)).fill(1), shape),
  )

const relu: Body = (b, x) => b.op('Relu', [x])
const ops = (graph: Graph): string[] => graph.nodes.map(({ op }) => op)
const narrowed = (body: Body): Graph => verifyGraph(narrowTokens.apply(firstToken(body)))

describe('narrow-tokens', () => {
  it('computes only the token that is read, and knows that it is one', () => {
    const graph = narrowed(relu)
    expect(ops(graph)).toEqual(['Gather', 'Relu', 'Squeeze'])
    const shape = inferTypes(graph).get(graph.nodes[1]!.outputs[0]!)?.shape
    expect(shape).toEqual(['batch', 1, 4])
  })

  it('leaves what someone else reads whole, and says so', () => {
    const trace = newTrace()
    const graph = firstToken(relu, true)
    expect(narrowTokens.apply(graph, trace)).toBe(graph)
    expect(trace.hits.size).toBe(0)
  })

  it('stops where an inner value is read whole', () => {
    const graph = narrowed((b, x) => {
      const inner = b.op('Relu', [x])
      b.output('inner', inner)
      return b.op('Tanh', [inner])
    })
    expect(ops(graph)).toEqual(['Relu', 'Gather', 'Tanh', 'Squeeze'])
  })

  it('passes a product whose rows are tokens', () => {
    const graph = narrowed((b, x) => b.op('MatMul', [relu(b, x), matrix(b, 4, 2)]))
    expect(ops(graph)).toEqual(['Gather', 'Relu', 'MatMul', 'Squeeze'])
  })

  it('stops at a product whose columns or batches are read', () => {
    // [batch, 4, tokens] × [tokens …]: axis 1 of the transposed result is no row of the left factor
    const columns: Body = (b, x) => {
      const turned = b.op('Transpose', [relu(b, x)], { perm: ints([0, 2, 1]) })
      const product = b.op('MatMul', [matrix(b, 3, 4), turned])
      return b.op('Transpose', [product], { perm: ints([0, 2, 1]) })
    }
    expect(ops(narrowed(columns))).toEqual([
      'Relu',
      'Transpose',
      'MatMul',
      'Gather',
      'Transpose',
      'Squeeze',
    ])
    const batches: Body = (b, x) => {
      const heads = b.op('Reshape', [relu(b, x), b.int64s([0, 0, 2, 2])])
      return b.op('Reshape', [b.op('MatMul', [heads, matrix(b, 2, 2)]), b.int64s([0, 0, 4])])
    }
    expect(ops(narrowed(batches))).toEqual([
      'Relu',
      'Reshape',
      'MatMul',
      'Gather',
      'Reshape',
      'Squeeze',
    ])
  })

  it('passes both parts of a Split and joins their readers', () => {
    const gate: Body = (b, x) => {
      const attributes = { axis: int(-1), num_outputs: int(2) }
      const [inner, outer] = b.ops('Split', [relu(b, x)], 2, attributes)
      return b.op('Mul', [b.op('Gelu', [inner]), outer])
    }
    expect(ops(narrowed(gate))).toEqual(['Gather', 'Relu', 'Split', 'Gelu', 'Mul', 'Squeeze'])
  })

  it('stops where parts stand along the tokens', () => {
    const joined: Body = (b, x) => b.op('Concat', [relu(b, x), x], { axis: int(1) })
    expect(ops(narrowed(joined))).toEqual(['Relu', 'Concat', 'Gather', 'Squeeze'])
  })
})
