/** Tables projected while the file is written: what is looked up, and what must be left to the run. */
import { describe, expect, it } from 'vitest'
import { float, int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { type HostArray, hostArray } from '../graph/data-type.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { printGraph } from '../graph/print.ts'
import { float32Tensor, floatScalar, int64Tensor } from '../graph/tensor.ts'
import { materialize } from '../onnx/materialize.ts'
import { verifyGraph } from '../ops/verify.ts'
import { foldTableRules } from './fold-table.ts'
import { rulePass } from './rule-pass.ts'

interface Change {
  readonly rows?: number
  readonly buckets?: readonly number[]
  readonly lowest?: 'ReduceMin' | 'ReduceMax'
  readonly subtracted?: 'lowest' | 'end'
  readonly normAxis?: number
  readonly factor?: readonly number[]
  readonly bare?: boolean
}

/** Six rows `[i, −i]`, normalized, projected by `[[1, 2], [3, 4]]` and looked up by bucket. */
function lookup(change: Change = {}): Graph {
  const b = new GraphBuilder('lookup')
  const rows = change.rows ?? 6
  const values = Array.from({ length: rows }, (_, i) => [i, -i]).flat()
  const table = b.parameter({ name: 'table' }, float32Tensor(values, [rows, 2]))
  const parameter = (name: string, numbers: number[], shape: number[]) =>
    b.parameter({ name }, float32Tensor(numbers, shape))
  const bucket = b.op('Gather', [
    b.constant(int64Tensor(change.buckets ?? [5, 3, 1, 2])),
    b.input('ids', 'int64', ['tokens']),
  ])
  const lowest = b.op(change.lowest ?? 'ReduceMin', [bucket])
  const end = b.op('Add', [b.op('ReduceMax', [bucket]), b.int64s([1])])
  const cut = b.op('Slice', [table, lowest, end, b.int64s([0])])
  const norm = b.op(
    'LayerNormalization',
    [cut, parameter('scale', [1, 1], [2]), parameter('shift', [0, 1], [2])],
    { axis: int(change.normAxis ?? -1), epsilon: float(0) },
  )
  const weight = parameter('weight', [1, 2, 3, 4], [2, 2])
  const product = b.op('MatMul', [norm, b.op('Transpose', [weight], { perm: ints([1, 0]) })])
  const biased = b.op('Add', [product, parameter('bias', [10, 20], [2])])
  const factor = change.factor ? float32Tensor(change.factor) : floatScalar(0.5)
  const scaled = b.op('Mul', [biased, b.constant(factor)])
  const index = b.op('Sub', [bucket, change.subtracted === 'end' ? end : lowest])
  const placed = b.op('Gather', [change.bare ? cut : scaled, index])
  const split = b.op('Reshape', [placed, b.int64s([0, 2, 1])])
  b.output('y', b.op('Transpose', [split], { perm: ints([1, 2, 0]) }))
  return verifyGraph(b.build())
}

const folded = (change: Change = {}): Graph =>
  verifyGraph(rulePass('fold-table', '', foldTableRules).apply(lookup(change)))

/** The table that the last lookup reads. */
function tableOf(graph: Graph): HostArray {
  const gather = graph.nodes.findLast((node): node is Node => node.op === 'Gather')!
  const { tensor } = graph.weights.get(gather.inputs[0]!)!
  return hostArray(tensor.dtype, materialize(tensor))
}

describe('fold-table', () => {
  it('leaves two lookups, of the bucket and of its projected row, heads first', () => {
    expect(printGraph(folded())).toMatchSnapshot()
  })

  it('holds the rows normalized, projected and scaled, by head', () => {
    // rows normalize to [1, −1] and shift to [1, 0]: x·Wᵀ + b = [11, 23]; the first row is [0, 1]
    const table = Array.from(tableOf(folded()).slice(1), Number)
    expect(table.slice(0, 5)).toEqual([5.5, 5.5, 5.5, 5.5, 5.5])
    expect(table.slice(6)).toEqual([11.5, 11.5, 11.5, 11.5, 11.5])
  })

  it.each<[string, Change]>([
    ['a table of words', { rows: 1025 }],
    ['buckets that count from the end', { buckets: [5, -1, 1, 2] }],
    ['rows cut from another index on', { lowest: 'ReduceMax' }],
    ['another number taken off the index', { subtracted: 'end' }],
    ['a norm over rows together', { normAxis: 0 }],
    ['a factor for each column', { factor: [1, 2] }],
    ['a table that nothing is computed of', { bare: true }],
  ])('leaves %s', (_, change) => {
    const ops = (graph: Graph) => graph.nodes.map(({ op }) => op)
    expect(ops(folded(change))).toEqual(ops(rulePass('none', '', []).apply(lookup(change))))
  })
})
