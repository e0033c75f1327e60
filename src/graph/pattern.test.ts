/**
 * The pattern notation: each kind of pattern where it matches and where it does not, what exposed
 * intermediates refuse, and what the nearest miss says.
 */
import { describe, expect, it } from 'vitest'
import { float, int, ints } from './attributes.ts'
import { GraphBuilder } from './builder.ts'
import type { Graph, Value } from './graph.ts'
import { type RuleDefinition, rule, scalarOf } from './pattern.ts'
import { opKey, rewrite } from './rewrite.ts'
import { newTrace } from './rewrite-trace.ts'
import {
  derive,
  float32Tensor,
  floatScalar,
  inlineTensor,
  int64Tensor,
  type Tensor,
} from './tensor.ts'

type Build = (b: GraphBuilder, x: Value, y: Value) => Value

function graphOf(build: Build): Graph {
  const b = new GraphBuilder('g')
  const x = b.input('x', 'float32', ['n'])
  const y = b.input('y', 'float32', ['n'])
  b.output('out', build(b, x, y))
  return b.build()
}

/** The operators after the rule, and why it missed. */
function apply(build: Build, definition: RuleDefinition, read?: (tensor: Tensor) => Uint8Array) {
  const trace = newTrace()
  const graph = rewrite(graphOf(build), [rule('r', definition, read)], { trace })
  const found = trace.misses.get('r')
  const miss = found && `${found.value ?? found.origin}: ${found.reason}`
  return { graph, ops: graph.nodes.map(opKey), miss }
}

const fused = (match: RuleDefinition['match']): RuleDefinition => ({
  match,
  rewrite: (op, x) => op.op('Fused', Object.values(x)),
})
const addExp = fused((op, x) => op.Add!(op.Exp!(x.a!), x.b!))

describe('letters and operators', () => {
  it('bind the values they stand for', () => {
    const { graph, ops } = apply((b, x, y) => b.op('Sub', [b.op('Exp', [x]), y]), {
      match: (op, x) => op.Sub!(op.Exp!(x.left!), x.right!),
      rewrite: (op, x) => op.op('Fused', [x.right, x.left]),
    })
    expect(ops).toEqual(['Fused'])
    expect(graph.nodes[0]!.inputs.map((value) => value!.name)).toEqual(['y', 'x'])
  })

  it('the same letter twice is the same value twice', () => {
    const square = fused((op, x) => op.Mul!(op.Exp!(x.a!), x.a!))
    expect(apply((b, x) => b.op('Mul', [b.op('Exp', [x]), x]), square).ops).toEqual(['Fused'])
    const other = apply((b, x, y) => b.op('Mul', [b.op('Exp', [x]), y]), square)
    expect(other.ops).toEqual(['Exp', 'Mul'])
    expect(other.miss).toBe('y: expected x')
  })

  it('commutative operators match in both orders, others do not', () => {
    expect(apply((b, x, y) => b.op('Add', [y, b.op('Exp', [x])]), addExp).ops).toEqual(['Fused'])
    const sub = fused((op, x) => op.Sub!(op.Exp!(x.a!), x.b!))
    const found = apply((b, x, y) => b.op('Sub', [y, b.op('Exp', [x])]), sub)
    expect(found.ops).toEqual(['Exp', 'Sub'])
  })

  it('goes back when a later part does not match', () => {
    // the first order binds a to Exp's argument and fails on Log: the second must be tried
    const both = fused((op, x) => op.Mul!(op.Add!(op.Exp!(x.a!), x.b!), op.Log!(x.b!)))
    const build: Build = (b, x, y) => {
      const left = b.op('Exp', [x])
      const right = b.op('Exp', [y])
      return b.op('Mul', [b.op('Add', [left, right]), b.op('Log', [left])])
    }
    const { graph } = apply(build, { ...both, shared: true })
    expect(graph.nodes.at(-1)!.op).toBe('Fused')
  })

  it('knows domains', () => {
    const match: RuleDefinition['match'] = (op, x) => op.of('my.domain', 'Add', x.a!, op.Exp!(x.b!))
    const domain = { domain: 'my.domain' }
    const own: Build = (b, x, y) => b.op('Add', [x, b.op('Exp', [y])], {}, domain)
    const turned: Build = (b, x, y) => b.op('Add', [b.op('Exp', [y]), x], {}, domain)
    expect(apply(own, fused(match)).ops).toEqual(['Fused'])
    expect(apply(turned, fused(match)).ops).toEqual(['Exp', 'my.domain::Add'])
    expect(apply(own, addExp).ops).toEqual(['Exp', 'my.domain::Add'])
  })

  it('does not match a later output of a node', () => {
    const build: Build = (b, x) => b.op('Relu', [b.ops('Split', [x], 2)[1]])
    const found = apply(
      build,
      fused((op, x) => op.Relu!(op.Split!(x.a!))),
    )
    expect(found.ops).toEqual(['Split', 'Relu'])
    expect(found.miss).toBeUndefined()
  })

  it('does not match a node with more inputs than the pattern', () => {
    const clip = fused((op, x) => op.Clip!(x.a!))
    expect(apply((b, x, y) => b.op('Clip', [x, y]), clip).ops).toEqual(['Clip'])
    expect(apply((b, x) => b.op('Clip', [x, undefined]), clip).ops).toEqual(['Fused'])
  })
})

describe('number, weight, absent, either', () => {
  const half = fused((op, x) => op.Mul!(op.Exp!(x.a!), op.number(0.5)))
  const timesExp =
    (tensor: Tensor): Build =>
    (b, x) =>
      b.op('Mul', [b.op('Exp', [x]), b.constant(tensor, 'factor')])

  it('number takes one-element constants of any rank and number type, within a tolerance', () => {
    const values = [
      floatScalar(0.5),
      float32Tensor([0.5], [1, 1]),
      floatScalar(0.5000001),
      inlineTensor('float64', [], Float64Array.of(0.5)),
    ]
    for (const tensor of values) expect(apply(timesExp(tensor), half).ops).toEqual(['Fused'])
  })

  it('number refuses other values, more elements, and what is no constant', () => {
    for (const tensor of [floatScalar(0.51), float32Tensor([0.5, 0.5])]) {
      expect(apply(timesExp(tensor), half).ops).toEqual(['Exp', 'Mul'])
    }
    expect(apply(timesExp(floatScalar(2)), half).miss).toBe('factor: expected 0.5, found 2')
    const input = apply((b, x, y) => b.op('Mul', [b.op('Exp', [x]), y]), half)
    expect(input.miss).toBe('y: expected 0.5, found no constant')
  })

  it('number reads a derived constant where a reader is given', () => {
    const tensor = derive('cast', [int64Tensor([1], [])], 'float32', [])
    const one = fused((op, x) => op.Mul!(x.a!, op.number(1)))
    const read = () => new Uint8Array(Float32Array.of(1).buffer)
    expect(apply(timesExp(tensor), one).ops).toEqual(['Exp', 'Mul'])
    expect(apply(timesExp(tensor), one, read).ops).toEqual(['Exp', 'Fused'])
  })

  it('weight takes constants and parameters, not computed values', () => {
    const scaled = fused((op, x) => op.Mul!(op.Exp!(x.a!), op.weight('w')))
    expect(apply(timesExp(float32Tensor([1, 2, 3])), scaled).ops).toEqual(['Fused'])
    const computed = apply((b, x, y) => b.op('Mul', [b.op('Exp', [x]), y]), scaled)
    expect(computed.ops).toEqual(['Exp', 'Mul'])
    expect(computed.miss).toBe('y: expected a constant')
  })

  it('absent takes an input that is not given, at the end or between others', () => {
    const clip = fused((op, x) => op.Clip!(x.a!, op.absent(), x.high!))
    expect(apply((b, x, y) => b.op('Clip', [x, undefined, y]), clip).ops).toEqual(['Fused'])
    expect(apply((b, x, y) => b.op('Clip', [x, y, y]), clip).ops).toEqual(['Clip'])
    const bare = fused((op, x) => op.Clip!(x.a!, op.absent()))
    expect(apply((b, x) => b.op('Clip', [x]), bare).ops).toEqual(['Fused'])
  })

  it('either takes one of its patterns, absent among them', () => {
    const gate = fused((op, x) => op.Mul!(op.either(op.Tanh!(x.a!), op.Exp!(x.a!)), x.b!))
    for (const op of ['Tanh', 'Exp']) {
      expect(apply((b, x, y) => b.op('Mul', [b.op(op, [x]), y]), gate).ops).toEqual(['Fused'])
    }
    expect(apply((b, x, y) => b.op('Mul', [b.op('Log', [x]), y]), gate).ops).toHaveLength(2)
    const optional = fused((op, x) => op.Clip!(x.a!, op.either(op.absent(), op.number(0))))
    expect(apply((b, x) => b.op('Clip', [x]), optional).ops).toEqual(['Fused'])
    expect(apply((b, x, y) => b.op('Clip', [x, y]), optional).ops).toEqual(['Clip'])
  })

  it('either at the top anchors on every operator it names', () => {
    const any = fused((op, x) => op.either(op.Tanh!(x.a!), op.Exp!(x.a!)))
    expect(apply((b, x) => b.op('Tanh', [b.op('Exp', [x])]), any).ops).toEqual(['Fused', 'Fused'])
  })
})

describe('attributes', () => {
  const turn =
    (perm: number[] | undefined): Build =>
    (b, x) =>
      b.op('Exp', [b.op('Transpose', [x], perm ? { perm: ints(perm) } : {})])
  it('equal the given value, of the same type', () => {
    const match = fused((op, x) => op.Exp!(op.Transpose!(x.a!, { perm: ints([1, 0]) })))
    expect(apply(turn([1, 0]), match).ops).toEqual(['Fused'])
    const deeper = fused((op, x) => op.Log!(op.Exp!(op.Transpose!(x.a!, { perm: ints([1, 0]) }))))
    const log: Build = (b, x, y) => b.op('Log', [turn([0, 1])(b, x, y)])
    expect(apply(log, deeper).miss).toBe('Transpose: attributes of Transpose differ')
    expect(apply(turn(undefined), match).ops).toEqual(['Transpose', 'Exp'])
    const typed = fused((op, x) => op.Elu!(x.a!, { alpha: float(1) }))
    expect(apply((b, x) => b.op('Elu', [x], { alpha: int(1) }), typed).ops).toEqual(['Elu'])
  })

  it('satisfy a predicate, which sees an absent one as undefined', () => {
    const match = fused((op, x) =>
      op.Exp!(op.Transpose!(x.a!, { perm: (perm) => perm === undefined })),
    )
    expect(apply(turn(undefined), match).ops).toEqual(['Fused'])
    expect(apply(turn([1, 0]), match).ops).toEqual(['Transpose', 'Exp'])
  })
})

describe('what refuses, and what is said of it', () => {
  const shared: Build = (b, x, y) => {
    const exp = b.op('Exp', [x], {}, { name: 'inner' })
    return b.op('Sub', [b.op('Add', [exp, y]), exp])
  }
  it('an intermediate that is read elsewhere', () => {
    const found = apply(shared, addExp)
    expect(found.ops).toEqual(['Exp', 'Add', 'Sub'])
    expect(found.miss).toBe('inner: is read elsewhere')
    expect(apply(shared, { ...addExp, shared: true }).ops).toEqual(['Exp', 'Fused', 'Sub'])
  })

  it('an intermediate that is a graph output', () => {
    const graph = graphOf((b, x, y) => {
      const exp = b.op('Exp', [x])
      b.output('exp', exp)
      return b.op('Add', [exp, y])
    })
    expect(rewrite(graph, [rule('r', addExp)])).toBe(graph)
  })

  it('not an intermediate that follows from weights alone', () => {
    const build: Build = (b, x, y) => {
      const turned = b.op('Transpose', [b.constant(float32Tensor([1, 2], [1, 2]))])
      return b.op('Sub', [b.op('MatMul', [x, turned]), b.op('MatMul', [y, turned])])
    }
    const product = fused((op, x) => op.MatMul!(x.a!, op.Transpose!(op.weight('w'))))
    expect(apply(build, product).ops).toEqual(['Fused', 'Fused', 'Sub'])
  })

  it('`when`, with its sentence and where; the nearest miss of several is kept', () => {
    const never: RuleDefinition = { ...addExp, when: () => 'it is Tuesday' }
    const build: Build = (b, x, y) =>
      b.op('Add', [b.scope('layer.1', () => b.op('Add', [b.op('Exp', [x]), y])), y])
    expect(apply(build, never)).toMatchObject({
      ops: ['Exp', 'Add', 'Add'],
      miss: 'layer.1: it is Tuesday',
    })
  })

  it('`as` names nodes for `when` and `rewrite`', () => {
    const origin = apply((b, x) => b.op('Relu', [b.scope('inner', () => b.op('Exp', [x]))]), {
      match: (op, x) => op.Relu!(op.as('exp', op.Exp!(x.a!))),
      rewrite: (op, x, { nodes, anchor }) =>
        op.op('Fused', [x.a], {}, { origin: `${nodes.exp!.origin}+${anchor.op}` }),
    }).graph.nodes[0]!.origin
    expect(origin).toBe('inner+Relu')
  })

  it('a pattern that is no operator is a bug of ours', () => {
    expect(() =>
      rule(
        'r',
        fused((_, x) => x.a!),
      ),
    ).toThrow('internal: rule r must match an operator')
  })
})

it('scalarOf reads one element, and nothing it cannot', () => {
  expect(scalarOf(int64Tensor([7]))).toBe(7)
  expect(scalarOf(inlineTensor('bool', [], Uint8Array.of(1)))).toBe(1)
  expect(scalarOf(float32Tensor([1, 2]))).toBeUndefined()
  expect(scalarOf(inlineTensor('float16', [], Uint16Array.of(0x3c00)))).toBeUndefined()
  expect(scalarOf(undefined)).toBeUndefined()
})
