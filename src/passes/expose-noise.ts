/**
 * The noise of every quantized layer by itself, computed by the graph: each annotated node is computed twice from
 * the same exact inputs, as it is and as its note says, and the outputs are the sums of squares of the exact
 * result and of the difference. Nothing of an activation leaves the run.
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Attributes, Graph, Node, Value } from '../graph/graph.ts'
import { pruneDead } from '../graph/liveness.ts'
import { int64Tensor } from '../graph/tensor.ts'
import { inferTypes } from '../ops/infer-types.ts'

/** Names of the two outputs of the `i`th annotated node. */
export const signalName = (i: number): string => `signal.${i}`
export const noiseName = (i: number): string => `noise.${i}`

/** The nodes that quantization marked, in order. */
export const quantizedNodes = (graph: Graph): Node[] =>
  graph.nodes.filter(({ quantization }) => quantization !== undefined)

/** The graph with the notes of those nodes alone that `keep` wants. */
export const keepNotes = (graph: Graph, keep: (node: Node) => boolean): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) =>
    node.quantization === undefined || keep(node) ? node : { ...node, quantization: undefined },
  ),
})

/** @param mask input that marks real tokens by 1, `[batch, tokens]`; the others are left out. */
export function exposeNoise(graph: Graph, mask: string): Graph {
  const types = inferTypes(graph)
  const weights = new Map(graph.weights)
  const extra: Node[] = []
  const op = (name: string, inputs: readonly Value[], attributes: Attributes = {}): Value => {
    const builder = new GraphBuilder('')
    const output = builder.op(name, inputs, attributes)
    extra.push(...builder.build().nodes)
    return output
  }
  const marks = graph.inputs.find(({ name }) => name === mask)?.value
  const axis = int64Tensor([2])
  const axes: Value = { name: 'axes', type: { dtype: 'int64', shape: axis.shape } }
  weights.set(axes, { tensor: axis })
  const real = marks && op('Unsqueeze', [op('Cast', [marks], { to: int(1) }), axes])
  const outputs = quantizedNodes(graph).flatMap((node, i) => {
    const exact = node.outputs[0]!
    const rounded: Value = { ...exact, name: `${exact.name}.rounded` }
    extra.push({ ...node, outputs: [rounded] })
    // a vector a text (a pooler's) has no padding
    const ofTokens = real && types.get(exact)?.shape?.length === 3
    const energy = (value: Value): Value =>
      op('ReduceSumSquare', [ofTokens ? op('Mul', [value, real]) : value], { keepdims: int(0) })
    return [
      { name: signalName(i), value: energy(exact) },
      { name: noiseName(i), value: energy(op('Sub', [exact, rounded])) },
    ]
  })
  const { nodes } = keepNotes(graph, () => false)
  return pruneDead({ ...graph, nodes: [...nodes, ...extra], weights, outputs, taps: new Map() })
}
