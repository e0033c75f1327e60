/**
 * Weights stored as FP16 or BF16 and cast back when the model is loaded: half the file, the speed of float32.
 *
 * ONNX Runtime computes the Casts of constants once, at load, so that memory and time of a run are those of
 * float32; the rounding is that of the storage type. (BF16 has float32's range and 8 bits of precision.)
 */
import { int } from '../graph/attributes.ts'
import { GraphBuilder } from '../graph/builder.ts'
import { elementCount } from '../graph/data-type.ts'
import { type Graph, mapUses, type Node, type Value, type Weight } from '../graph/graph.ts'
import { casted } from '../graph/tensor.ts'
import { graphNames, namePatterns } from './name-patterns.ts'
import type { Pass } from './pass.ts'

export interface StorageOptions {
  readonly type: 'float16' | 'bfloat16'
  /** Module paths or parameter names that keep float32; `*` matches any text. */
  readonly exclude?: readonly string[] | undefined
}

const FLOAT = 1
/** Below this many elements a Cast costs more than it saves. */
const SMALLEST = 1024

/** Stores every larger float32 weight in the type. */
export const storeFloat = ({ type, exclude }: StorageOptions): Pass => ({
  name: `store-${type}`,
  summary: `Stores weights as ${type}, cast back when the model is loaded.`,
  apply(graph) {
    const excluded = namePatterns(exclude, graphNames(graph))
    const readers = readersOf(graph)
    const casts: Node[] = []
    const weights = new Map<Value, Weight>()
    const whole = new Map<Value, Value>()
    for (const [value, weight] of graph.weights) {
      const { tensor, parameter } = weight
      const names = [parameter?.name ?? '', ...(readers.get(value) ?? [])]
      const small = elementCount(tensor.shape) < SMALLEST
      if (tensor.dtype !== 'float32' || small || names.some(excluded)) {
        weights.set(value, weight)
        continue
      }
      const stored: Value = { name: value.name, type: { dtype: type, shape: tensor.shape } }
      weights.set(stored, { ...weight, tensor: casted(tensor, type) })
      const builder = new GraphBuilder('')
      whole.set(value, builder.op('Cast', [stored], { to: int(FLOAT) }))
      casts.push(...builder.build().nodes)
    }
    if (casts.length === 0) return graph
    const nodes = graph.nodes.map((node) => mapUses(node, (value) => whole.get(value) ?? value))
    const outputs = graph.outputs.map((port) => ({
      ...port,
      value: whole.get(port.value) ?? port.value,
    }))
    return { ...graph, nodes: [...casts, ...nodes], weights, outputs }
  },
})

/** Module paths of the nodes that read each weight. */
function readersOf(graph: Graph): Map<Value, string[]> {
  const readers = new Map<Value, string[]>()
  for (const { inputs, origin } of graph.nodes) {
    for (const input of inputs) {
      if (input) readers.set(input, [...(readers.get(input) ?? []), origin])
    }
  }
  return readers
}
