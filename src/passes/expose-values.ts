/**
 * Inner values as outputs, for those who look at activations: calibration, sensitivity, comparison.
 *
 * As they are, or as their Gram matrix `Σ xᵀx` over the tokens that a mask calls real, which the graph itself
 * computes: GPTQ's Hessian of a layer's input, without moving the activations out.
 */
import { int, ints } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Graph, Node, Value } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { int64Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'

/** Name of the output that shows the `i`th value. */
export const exposedName = (i: number): string => `exposed.${i}`

/** The graph whose only outputs are the values given, in order. */
export const exposeValues = (graph: Graph, values: readonly Value[]): Graph =>
  pruneDead({
    ...graph,
    outputs: values.map((value, i) => ({ name: exposedName(i), value })),
    taps: new Map(),
  })

/**
 * The graph whose outputs are the Gram matrices `[width, width]` of values `[batch, tokens, width]`, tokens where
 * the input `mask` (`[batch, tokens]`, 0 or 1) is 0 left out.
 */
export function exposeGrams(graph: Graph, values: readonly Value[], mask?: string): Graph {
  const types = inferTypes(graph)
  const nodes: Node[] = []
  const weights = new Map(graph.weights)
  const op = (name: string, inputs: readonly Value[], attributes = {}): Value => {
    const builder = new GraphBuilder('')
    const output = builder.op(name, inputs, attributes)
    nodes.push(...builder.build().nodes)
    return output
  }
  const constant = (numbers: readonly number[]): Value => {
    const tensor = int64Tensor(numbers)
    const value: Value = { name: 'shape', type: { dtype: 'int64', shape: tensor.shape } }
    weights.set(value, { tensor })
    return value
  }
  const marks = graph.inputs.find(({ name }) => name === mask)?.value
  const real = marks && op('Unsqueeze', [op('Cast', [marks], { to: int(1) }), constant([2])])
  const outputs = values.map((value, i) => {
    // a vector a text (a pooler's input) has no padding
    const ofTokens = types.get(value)?.shape?.length === 3
    const kept = real && ofTokens ? op('Mul', [value, real]) : value
    const flat = op('Flatten', [kept], { axis: int(-1) })
    const turned = op('Transpose', [flat], { perm: ints([1, 0]) })
    return { name: exposedName(i), value: op('MatMul', [turned, flat]) }
  })
  const all = { ...graph, nodes: [...graph.nodes, ...nodes], weights, outputs, taps: new Map() }
  return pruneDead(all)
}
