/**
 * The noise of every quantized layer by itself, computed by the graph: each annotated node is computed again from
 * the same exact inputs, as its note says, and once more with its weights rounded alone. The outputs are sums of
 * squares of the exact result and of the differences: nothing of an activation leaves the run.
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import type { Attributes, Graph, Node, Value, Weight, WeightBits } from '../graph/graph.ts'
import { int64Tensor, transposed } from '../graph/tensor.ts'
import { quantizedWeight, WHOLE_TENSOR } from '../onnx/quantize-weight.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { linearWeight } from './linear-layer.ts'

/** Names of the outputs of the `i`th annotated node. */
export const signalName = (i: number): string => `signal.${i}`
export const noiseName = (i: number): string => `noise.${i}`
/** Parts of it: of rounding weights, then of rounding what meets them; absent where only weights are rounded. */
export const weightNoiseName = (i: number): string => `noise.weights.${i}`
export const inputNoiseName = (i: number): string => `noise.input.${i}`

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

/** An annotated node's results, all from exact inputs. */
export interface RoundedNode {
  readonly exact: Value
  /** As its note says. */
  readonly rounded: Value
  /** With its weights rounded alone; absent where nothing else is. */
  readonly byWeights: Value | undefined
}

/** The exact graph, with rounded copies of its annotated nodes behind it, in order. */
export function roundedCopies(graph: Graph): { graph: Graph; copies: readonly RoundedNode[] } {
  const producers = new Map<Value, Node>()
  const weights = new Map(graph.weights)
  const extra: Node[] = []
  const context = {
    producer: (value: Value) => producers.get(value),
    weight: (value: Value) => graph.weights.get(value),
  }
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output) producers.set(output, node)
  }
  const copies = quantizedNodes(graph).map((node) => {
    const exact = node.outputs[0]!
    const copy = (suffix: string, change: Partial<Node> = {}): Value => {
      const output: Value = { ...exact, name: `${exact.name}.${suffix}` }
      extra.push({ ...node, ...change, outputs: [output] })
      return output
    }
    const rounded = copy('rounded')
    const note = node.quantization!
    if (note.scheme === 'blocks') {
      const takesFloats = { quantization: { ...note, accuracyLevel: 0 } } as const
      const isTable = node.op === 'Gather'
      const byWeights = isTable || note.accuracyLevel === 0 ? undefined : copy('w', takesFloats)
      return { exact, rounded, byWeights }
    }
    const weight = note.scheme !== 'weight-only' && linearWeight(node, context)?.weight
    if (!weight) return { exact, rounded, byWeights: undefined }
    const [nodes, matrix, constants] = widened(weight, note)
    extra.push(...nodes)
    for (const [value, each] of constants) weights.set(value, each)
    const inputs = [node.inputs[0], matrix]
    return { exact, rounded, byWeights: copy('w', { inputs, quantization: undefined }) }
  })
  const { nodes } = keepNotes(graph, () => false)
  return { graph: { ...graph, nodes: [...nodes, ...extra], weights }, copies }
}

/** A weight's codes `[in, out]` as floats again. */
function widened(
  { tensor }: Weight,
  { weightBits, granularity }: { weightBits: WeightBits; granularity: string },
): [readonly Node[], Value, ReadonlyMap<Value, Weight>] {
  const axis = granularity === 'tensor' ? WHOLE_TENSOR : 1
  const { codes, scales } = quantizedWeight(transposed(tensor, [1, 0]), axis, weightBits)
  const b = new GraphBuilder('')
  const inputs = [b.constant(codes, 'codes'), b.constant(scales, 'scales')]
  const matrix = b.op('DequantizeLinear', inputs, axis === 1 ? { axis: int(1) } : {})
  const { nodes, weights } = b.build()
  return [nodes, matrix, weights]
}

/**
 * Adds the sums of squares to the outputs.
 * @param mask input that marks real tokens by 1, `[batch, tokens]`; the others are left out.
 */
export function withEnergies(graph: Graph, copies: readonly RoundedNode[], mask: string): Graph {
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
  const outputs = copies.flatMap(({ exact, rounded, byWeights }, i) => {
    // a vector a text (a pooler's) has no padding
    const ofTokens = real && types.get(exact)?.shape?.length === 3
    const energy = (value: Value): Value =>
      op('ReduceSumSquare', [ofTokens ? op('Mul', [value, real]) : value], { keepdims: int(0) })
    const parts = byWeights && [
      { name: weightNoiseName(i), value: energy(op('Sub', [exact, byWeights])) },
      { name: inputNoiseName(i), value: energy(op('Sub', [byWeights, rounded])) },
    ]
    return [
      { name: signalName(i), value: energy(exact) },
      { name: noiseName(i), value: energy(op('Sub', [exact, rounded])) },
      ...(parts ?? []),
    ]
  })
  return {
    ...graph,
    nodes: [...graph.nodes, ...extra],
    weights,
    outputs: [...graph.outputs, ...outputs],
  }
}
