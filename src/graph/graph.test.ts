/** Uses of values: subgraphs capture what they do not define, and mapping uses reaches into them. */
import { expect, it } from 'vitest'
import { graphAttribute } from './attributes.ts'
import { capturedValues, emptyGraph, type Graph, mapUses, type Node, usedValues } from './graph.ts'
import { floatScalar } from './tensor.ts'

const a = { name: 'a' }
const b = { name: 'b' }
const own = { name: 'own' }
const inside = { name: 'inside' }
const weight = { name: 'weight' }

const node = (op: string, inputs: Node['inputs'], rest: Partial<Node> = {}): Node => ({
  op,
  domain: '',
  inputs,
  outputs: [{ name: op }],
  attributes: {},
  origin: '',
  ...rest,
})
/** Reads its own input, its weight, what it computes, and a and b from outside. */
const body: Graph = {
  ...emptyGraph('body'),
  inputs: [{ name: 'own', value: own }],
  weights: new Map([[weight, { tensor: floatScalar(1) }]]),
  nodes: [node('Sum', [own, weight, a], { outputs: [inside] }), node('Relu', [inside])],
  outputs: [
    { name: 'o', value: inside },
    { name: 'p', value: b },
  ],
}
const loop = node('Loop', [undefined, a], { attributes: { body: graphAttribute(body) } })

it('a subgraph captures what it neither takes, holds nor computes', () => {
  expect(capturedValues(body)).toEqual([a, b])
})

it('a node uses its inputs and what its subgraphs capture', () => {
  expect(usedValues(loop)).toEqual([a, a, b])
  const both = node('If', [a], {
    attributes: { branches: { type: 'graphs', value: [body, body] } },
  })
  expect(usedValues(both)).toEqual([a, a, b, a, b])
})

it('mapping uses reaches inputs, nodes and outputs of subgraphs, and leaves the original alone', () => {
  const [newA, newB] = [{ name: 'A' }, { name: 'B' }]
  const mapped = mapUses(loop, (value) => (value === a ? newA : value === b ? newB : value))
  expect(usedValues(mapped)).toEqual([newA, newA, newB])
  expect(usedValues(loop)).toEqual([a, a, b])
  expect(mapped.inputs[0]).toBeUndefined()
  const both = node('If', [], { attributes: { branches: { type: 'graphs', value: [body] } } })
  expect(usedValues(mapUses(both, (value) => (value === b ? newB : value)))).toEqual([a, newB])
})

it('mapping nothing gives the same node back', () => {
  expect(mapUses(loop, (value) => value)).toBe(loop)
})
