import { expect, test } from 'vitest'
import { emptyGraph, type Graph, type Node, type Value } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { weightBytes } from './weight-bytes.ts'

const value = (name: string): Value => ({ name })
const tensor = (dtype: Tensor['dtype'], ...shape: number[]): Tensor => ({
  dtype,
  shape,
  source: { kind: 'file', path: 'none', offset: 0, length: 0 },
})
const node = (origin: string, ...inputs: Value[]): Node => ({
  op: 'Add',
  domain: '',
  inputs,
  outputs: [value(`${origin}.out`)],
  attributes: {},
  origin,
})

test('bytes as stored, by the layer that reads them first', () => {
  const [table, codes, shared, unread] = ['table', 'codes', 'shared', 'unread'].map(value)
  const graph: Graph = {
    ...emptyGraph('g'),
    nodes: [
      node('embeddings.word', table!, shared!),
      node('encoder.layer.3.output', codes!, shared!),
    ],
    weights: new Map([
      [table!, { tensor: tensor('float32', 10, 4) }],
      [codes!, { tensor: tensor('int8', 4, 4) }],
      [shared!, { tensor: tensor('float16', 4) }],
      [unread!, { tensor: tensor('int4', 3) }],
    ]),
  }
  expect([...weightBytes(graph)]).toEqual([
    ['embeddings', 160 + 8],
    ['encoder.layer.3', 16],
    ['(graph)', 2],
  ])
})
