/**
 * The peak memory of activations that a graph's order allows: a buffer lives from the node that makes it
 * to the last that reads it, views share their operand's.
 *
 * Inputs belong to the caller and weights to the model; neither counts. Nothing is written in place:
 * ONNX Runtime does that only where it can prove two symbolic shapes equal.
 */
import { type Graph, type Node, usedValues, type Value } from '../graph/graph.ts'
import { type Bindings, evaluateShape } from '../graph/shape.ts'
import { bytesOfType } from './cost/cost-table.ts'
import { inferTypes } from './infer-types.ts'
import { knownOp } from './known.ts'

export interface PlannedMemory {
  /** The most that lives at once. */
  readonly peakBytes: number
  /** The node that is running then. */
  readonly at: Node | undefined
  /** Values whose size the bindings leave open; they count as nothing. */
  readonly unknown: number
}

/** Operators that hand on the bytes of their first operand. */
const views: ReadonlySet<string> = new Set([
  'Identity',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
])

/** Plans the activations of one run. */
export function plannedMemory(graph: Graph, bindings: Bindings): PlannedMemory {
  const types = inferTypes(graph)
  const root = new Map<Value, Value>()
  const rootOf = (value: Value): Value => root.get(value) ?? value
  const bytes = new Map<Value, number>()
  const lastUse = new Map<Value, number>()
  let unknown = 0
  graph.nodes.forEach((node, index) => {
    for (const value of usedValues(node)) lastUse.set(rootOf(value), index)
    const [operand] = node.inputs
    for (const output of node.outputs) {
      if (!output) continue
      if (operand && views.has(knownOp(node) ?? '')) {
        root.set(output, rootOf(operand))
        continue
      }
      const type = types.get(output)
      const shape = type && evaluateShape(type.shape, bindings)
      if (!shape) unknown++
      else bytes.set(output, bytesOfType({ dtype: type.dtype, shape }))
    }
  })
  for (const { value } of graph.outputs) lastUse.set(rootOf(value), graph.nodes.length)
  const ending = new Map<number, number>()
  for (const [value, index] of lastUse) {
    ending.set(index, (ending.get(index) ?? 0) + (bytes.get(value) ?? 0))
  }
  let [live, peakBytes] = [0, 0]
  let at: Node | undefined
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) if (output) live += bytes.get(output) ?? 0
    if (live > peakBytes) [peakBytes, at] = [live, node]
    live -= ending.get(index) ?? 0
    // what nobody reads is given back at once
    for (const output of node.outputs) {
      if (output && bytes.has(output) && !lastUse.has(output)) live -= bytes.get(output)!
    }
  })
  return { peakBytes, at, unknown }
}
