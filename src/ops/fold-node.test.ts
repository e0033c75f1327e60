import { describe, expect, it } from 'vitest'
import type { Node, Value } from '../graph/graph.ts'
import { GraphBuilder, int, ints } from '../graph/index.ts'
import {
  float32Tensor,
  inlineTensor,
  inlineValues,
  int64Tensor,
  type Tensor,
} from '../graph/tensor.ts'
import { foldNode } from './fold-node.ts'
import { typeOfTensor } from './infer/generators.ts'

const read = (tensor: Tensor): Uint8Array => {
  if (tensor.source.kind === 'inline') return tensor.source.bytes
  throw new Error('nothing may be read')
}

function use(op: string, tensors: readonly Tensor[], attributes = {}) {
  const b = new GraphBuilder('fold')
  const values = tensors.map((tensor) => b.constant(tensor))
  b.op(op, values, attributes)
  const node = b.build().nodes[0] as Node
  const constants = new Map<Value, Tensor>(values.map((value, i) => [value, tensors[i]!]))
  return { node, constant: (value: Value) => constants.get(value) }
}
const fold = (op: string, tensors: readonly Tensor[], attributes = {}) => {
  const { node, constant } = use(op, tensors, attributes)
  return foldNode(node, constant, { read })
}
const large: Tensor = {
  dtype: 'float32',
  shape: [1024, 512],
  source: { kind: 'file', path: 'model.safetensors', offset: 0, length: 1024 * 512 * 4 },
}

describe('foldNode', () => {
  it('derives large weights by reference and reads nothing', () => {
    const [transposed] = fold('Transpose', [large], { perm: ints([1, 0]) })!
    expect(transposed).toMatchObject({
      shape: [512, 1024],
      source: { kind: 'derived', op: 'transpose' },
    })
    const [half] = fold('Cast', [large], { to: int(10) })!
    expect(half).toMatchObject({ dtype: 'float16', source: { kind: 'derived', op: 'cast' } })
    const [both] = fold('Concat', [large, large], { axis: int(-1) })!
    expect(both).toMatchObject({
      shape: [1024, 1024],
      source: { op: 'concat', settings: { axis: 1 } },
    })
    const [flat] = fold('Reshape', [large, int64Tensor([-1])])!
    expect(flat).toMatchObject({ shape: [1024 * 512], source: { kind: 'file' } })
    expect(fold('Neg', [large])).toBeUndefined()
    expect(fold('Expand', [float32Tensor([1]), int64Tensor([100_000])])).toBeUndefined()
  })

  it('casts half floats by reference, and moves their bits', () => {
    const half = inlineTensor('float16', [2], Uint16Array.of(0x3c00, 0xc000))
    const [wide] = fold('Cast', [half], { to: int(1) })!
    expect(wide).toMatchObject({ dtype: 'float32', source: { op: 'cast' } })
    const [taken] = fold('Gather', [half, int64Tensor([1, 1])])!
    expect([...inlineValues(taken!)!]).toEqual([0xc000, 0xc000])
    expect(fold('Neg', [half])).toBeUndefined()
  })

  it('takes contents that inference knows though the input is no constant', () => {
    const b = new GraphBuilder('shape')
    const x = b.input('x', 'float32', [2, 'seq', 4])
    b.op('Shape', [x], { start: int(0), end: int(1) })
    b.op('Shape', [x])
    const [first, second] = b.build().nodes as [Node, Node]
    const options = { read, typeOf: () => x.type }
    expect([...inlineValues(foldNode(first, () => undefined, options)![0]!)!]).toEqual([2n])
    expect(foldNode(second, () => undefined, options)).toBeUndefined()
  })

  it('leaves what the kernel alone decides', () => {
    expect(fold('Div', [int64Tensor([1]), int64Tensor([0])])).toBeUndefined()
    expect(fold('Cast', [float32Tensor([Number.NaN])], { to: int(7) })).toBeUndefined()
    expect(fold('Cast', [float32Tensor([300])], { to: int(2) })).toBeUndefined()
    expect(fold('Gather', [float32Tensor([1, 2]), int64Tensor([5])])).toBeUndefined()
    expect(fold('RandomUniformLike', [float32Tensor([1])])).toBeUndefined()
    expect(fold('Dropout', [float32Tensor([1])])).toBeUndefined()
  })

  it('keeps 64-bit integers exact', () => {
    const big = 2n ** 53n + 1n
    const [sum] = fold('Add', [int64Tensor([big]), int64Tensor([2n])])!
    expect([...inlineValues(sum!)!]).toEqual([big + 2n])
    const [end] = fold('Unsqueeze', [int64Tensor([2n ** 63n - 1n], []), int64Tensor([0])])!
    expect([...inlineValues(end!)!]).toEqual([2n ** 63n - 1n])
    expect(typeOfTensor(end!).known).toEqual([Number.POSITIVE_INFINITY])
  })

  it('knows contents of small constants in files', () => {
    const bytes = new Uint8Array(BigInt64Array.of(3n, 2n).buffer)
    const inFile: Tensor = {
      dtype: 'int64',
      shape: [2],
      source: { kind: 'file', path: 'a', offset: 0, length: 16 },
    }
    const { node, constant } = use('Reshape', [float32Tensor([1, 2, 3, 4, 5, 6]), inFile])
    const files = (tensor: Tensor) => (tensor === inFile ? bytes : read(tensor))
    expect(foldNode(node, constant, { read: files })?.[0]?.shape).toEqual([3, 2])
  })
})
