/** Observed activations: padding is left out, Gram matrices are those of the rows. */
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../graph/builder.ts'
import type { HostTensor } from '../graph/data-type.ts'
import { observeGrams, observeValues } from './observe.ts'

function sample() {
  const b = new GraphBuilder('sample')
  const x = b.input('x', 'float32', ['batch', 'tokens', 2])
  b.input('attention_mask', 'int64', ['batch', 'tokens'])
  const doubled = b.op('Add', [x, x])
  b.output('y', b.op('Neg', [doubled]))
  return { graph: b.build(), doubled }
}

const feeds = (values: readonly number[], mask: readonly number[]): Record<string, HostTensor> => ({
  x: { dtype: 'float32', shape: [1, mask.length, 2], data: Float32Array.from(values) },
  attention_mask: {
    dtype: 'int64',
    shape: [1, mask.length],
    data: BigInt64Array.from(mask, BigInt),
  },
})

const batches = [feeds([1, 2, 9, 9, 3, 4], [1, 0, 1]), feeds([5, 6], [1])]

describe('observe', () => {
  it('shows the rows of real tokens, batch by batch', async () => {
    const { graph, doubled } = sample()
    const seen: number[][] = []
    await observeValues(graph, [doubled], batches, (_, rows) => seen.push([...rows]))
    expect(seen).toEqual([
      [2, 4, 6, 8],
      [10, 12],
    ])
  })

  it('sums the products of real rows', async () => {
    const { graph, doubled } = sample()
    const [gram] = await observeGrams(graph, [doubled], batches)
    const rows = [
      [2, 4],
      [6, 8],
      [10, 12],
    ]
    const expected = [0, 1].flatMap((i) =>
      [0, 1].map((j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    )
    expect([...gram!]).toEqual(expected)
  })
})
