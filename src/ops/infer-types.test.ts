import { describe, expect, it } from 'vitest'
import { cpuClock } from '../../test/support/cpu-time.ts'
import type { Value } from '../graph/graph.ts'
import { GraphBuilder, graphAttribute, int, ints, string } from '../graph/index.ts'
import { shapeText } from '../graph/shape.ts'
import { float32Tensor, int64Tensor } from '../graph/tensor.ts'
import { inferNode, inferTypes, knowTypes } from './infer-types.ts'

const text = (types: ReturnType<typeof inferTypes>, value: Value): string => {
  const type = types.get(value)
  return type ? `${type.dtype}${shapeText(type.shape)}` : '?'
}

describe('inferTypes', () => {
  it('follows Shape, Gather, Concat and Reshape by value, symbols included', () => {
    const b = new GraphBuilder('chain')
    const x = b.input('x', 'float32', ['batch', 'seq', 384])
    const shape = b.op('Shape', [x])
    const pick = (index: number) =>
      b.op('Unsqueeze', [
        b.op('Gather', [shape, b.constant(int64Tensor([index], []))], { axis: int(0) }),
        b.int64s([0]),
      ])
    const target = b.op('Concat', [pick(0), pick(1), b.int64s([12]), b.int64s([-1])], {
      axis: int(0),
    })
    const heads = b.op('Transpose', [b.op('Reshape', [x, target])], { perm: ints([0, 2, 1, 3]) })
    const scores = b.op('MatMul', [heads, b.op('Transpose', [heads], { perm: ints([0, 1, 3, 2]) })])
    const flat = b.op('Reshape', [heads, b.int64s([-1, 32])])
    const types = inferTypes(b.build())
    expect(types.get(target)?.known).toEqual(['batch', 'seq', 12, -1])
    expect(text(types, heads)).toBe('float32[batch, 12, seq, 32]')
    expect(text(types, scores)).toBe('float32[batch, 12, seq, seq]')
    expect(text(types, flat)).toBe('float32[12*batch*seq, 32]')
    expect(types.problems).toEqual([])
  })

  it('knows the idiom by which exporters expand: Where(Equal(shape, -1), ones, shape)', () => {
    const b = new GraphBuilder('expand')
    const x = b.input('x', 'float32', ['batch', 1])
    const ids = b.input('ids', 'int64', ['batch', 'seq'])
    const wanted = b.op('Shape', [ids])
    const minus = b.op('Mul', [
      b.op('ConstantOfShape', [b.int64s([2])], {
        value: { type: 'tensor', value: int64Tensor([1]) },
      }),
      b.constant(int64Tensor([-1], [])),
    ])
    const ones = b.op('ConstantOfShape', [b.int64s([2])], {
      value: { type: 'tensor', value: int64Tensor([1]) },
    })
    const chosen = b.op('Where', [b.op('Equal', [wanted, minus]), ones, wanted])
    const y = b.op('Expand', [x, chosen])
    const types = inferTypes(b.build())
    expect(types.get(chosen)?.known).toEqual(['batch', 'seq'])
    expect(text(types, y)).toBe('float32[batch, seq]')
  })

  it('clamps slices, and a table sliced to a length still fits that length', () => {
    const b = new GraphBuilder('slice')
    const ids = b.input('ids', 'int64', ['batch', 'seq'])
    const table = b.constant(float32Tensor(new Array(512 * 4).fill(0), [512, 4]))
    const length = b.op('Shape', [ids], { start: int(1), end: int(2) })
    const rows = b.op('Slice', [table, b.int64s([0]), length, b.int64s([0])])
    const x = b.op('Gather', [table, ids])
    const sum = b.op('Add', [x, rows])
    const tail = b.op('Slice', [ids, b.int64s([1]), b.int64s([2 ** 53 * 4]), b.int64s([1])])
    const reversed = b.op('Slice', [
      ids,
      b.int64s([-1]),
      b.int64s([-(2 ** 53) * 4]),
      b.int64s([1]),
      b.int64s([-1]),
    ])
    const types = inferTypes(b.build())
    expect(text(types, rows)).toBe('float32[min(512,seq), 4]')
    expect(text(types, sum)).toBe('float32[batch, seq, 4]')
    expect(text(types, tail)).toBe('int64[batch, max(0,seq-1)]')
    expect(text(types, reversed)).toBe('int64[batch, seq]')
  })

  it('keeps symbols that are not known to be equal apart', () => {
    const b = new GraphBuilder('apart')
    const x = b.input('x', 'float32', ['batch', 'seq'])
    const m = b.input('m', 'float32', ['mask_batch', 'seq'])
    b.output('y', b.op('Add', [x, m]))
    const types = inferTypes(b.build())
    expect(shapeText([...types.get(b.build().outputs[0]!.value)!.shape!])).toBe(
      '[broadcast(batch,mask_batch), seq]',
    )
  })

  it('sees into branches and loops, what they capture included', () => {
    const b = new GraphBuilder('control')
    const x = b.input('x', 'float32', ['n', 4])
    const condition = b.input('c', 'bool', [])
    const branch = (op: string) => {
      const inner = new GraphBuilder(op)
      inner.output('y', inner.op(op, [x]))
      return inner.build()
    }
    const branches = {
      then_branch: graphAttribute(branch('Relu')),
      else_branch: graphAttribute(branch('Tanh')),
    }
    const either = b.op('If', [condition], branches)
    const body = new GraphBuilder('body')
    body.input('i', 'int64', [])
    const go = body.input('go', 'bool', [])
    const state: Value = { name: 'state' }
    const grown = body.op('Concat', [state, x], { axis: int(0) })
    body.output('go', go)
    body.output('grown', grown)
    body.output('sum', body.op('ReduceSum', [x], { keepdims: int(0) }))
    const made = body.build()
    const loopBody = { ...made, inputs: [...made.inputs, { name: 'state', value: state }] }
    const [last, sums] = b.ops('Loop', [b.constant(int64Tensor([5], [])), undefined, x], 2, {
      body: graphAttribute(loopBody),
    })
    const types = inferTypes(b.build())
    expect(text(types, either)).toBe('float32[n, 4]')
    expect(text(types, grown)).toMatch(/^float32\[\?, 4\]$/)
    expect(text(types, last!)).toBe('float32[?, 4]')
    expect(text(types, sums!)).toBe('float32[5]')
  })

  it('reports contradictions and never throws', () => {
    const b = new GraphBuilder('bad')
    const x = b.input('x', 'float32', [2, 3])
    const y = b.op('MatMul', [x, x])
    const z = b.op('Relu', [y])
    b.op('Softmax', [x], { axis: int(5) })
    b.op('Reshape', [x, b.int64s([4, -1])])
    b.op('Einsum', [x], { equation: string('ijk->i') })
    b.ops('Split', [x], 2, { axis: int(1), num_outputs: int(3) })
    const types = inferTypes(b.build())
    expect(types.problems.map(({ node, message }) => `${node.op}: ${message}`)).toEqual([
      'MatMul: [2, 3] times [2, 3]: 3 against 2',
      'Softmax: axis 5 of a rank 2 tensor',
      'Reshape: [2, 3] reshaped to [4, -1]',
      'Einsum: ijk names [2, 3]',
      'Split: num_outputs is 3, and there are 2 outputs',
    ])
    expect(types.get(z)).toBeUndefined()
  })

  it('passes unknown operators through, with what the file declares', () => {
    const b = new GraphBuilder('custom')
    const x = b.input('x', 'float32', ['n', 4])
    const y: Value = { name: 'y', type: { dtype: 'float32', shape: ['n', 8] } }
    b.add({
      op: 'Magic',
      domain: 'com.example',
      inputs: [x],
      outputs: [y],
      attributes: {},
      origin: '',
    })
    const z = b.op('Relu', [y])
    expect(text(inferTypes(b.build()), z)).toBe('float32[n, 8]')
  })

  it('gives one result a graph, and types of nodes added while rewriting', () => {
    const b = new GraphBuilder('more')
    const x = b.input('x', 'float32', ['n', 4])
    const graph = b.build()
    expect(inferTypes(graph)).toBe(inferTypes(graph))
    const knowledge = knowTypes(graph)
    const other = new GraphBuilder('')
    const y = other.op('Transpose', [x])
    knowledge.learn(other.build().nodes[0]!)
    expect(knowledge.typeOf(y)?.shape).toEqual([4, 'n'])
    expect(inferNode(other.build().nodes[0]!, knowledge.typeOf)[0]?.dtype).toBe('float32')
  })

  it('takes well under a second for 10,000 nodes', () => {
    const b = new GraphBuilder('large')
    let x = b.input('x', 'float32', ['batch', 'seq', 64])
    for (let i = 0; i < 2500; i++) {
      const shape = b.op('Concat', [b.op('Shape', [x], { end: int(2) }), b.int64s([-1])], {
        axis: int(0),
      })
      x = b.op('Add', [x, b.op('Reshape', [x, shape])])
    }
    const spent = cpuClock()
    const types = inferTypes(b.build())
    expect(spent()).toBeLessThan(1000)
    expect(text(types, x)).toBe('float32[batch, seq, 64]')
  })
})
