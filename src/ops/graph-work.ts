/**
 * The work of a graph node by node, as a roofline wants it: operations by the width of their operands,
 * bytes of weights and bytes of activations apart.
 */
import type { Graph, Node } from '../graph/graph.ts'
import { type Bindings, evaluateShape } from '../graph/shape.ts'
import { bytesOfType } from './cost/cost-table.ts'
import { graphCost } from './graph-cost.ts'
import { inferTypes } from './infer-types.ts'

/** Amounts that add up over nodes. */
export interface Work {
  readonly macs: number
  /** Of these, with 8-bit operands. */
  readonly int8Macs: number
  /** 2·macs and all other scalar operations. */
  readonly flops: number
  readonly weightBytes: number
  /** Activations read and written. */
  readonly activationBytes: number
}

export interface NodeWork extends Work {
  readonly node: Node
  /** A product with a weight, as rows × inner × columns. */
  readonly product?: readonly [number, number, number]
}

export const noWork: Work = { macs: 0, int8Macs: 0, flops: 0, weightBytes: 0, activationBytes: 0 }

export const addWork = (a: Work, b: Work): Work => ({
  macs: a.macs + b.macs,
  int8Macs: a.int8Macs + b.int8Macs,
  flops: a.flops + b.flops,
  weightBytes: a.weightBytes + b.weightBytes,
  activationBytes: a.activationBytes + b.activationBytes,
})

/** Work of the nodes whose cost is known, in order. */
export function graphWork(graph: Graph, bindings: Bindings): NodeWork[] {
  const types = inferTypes(graph)
  const { nodes } = graphCost(graph, bindings)
  return [...nodes].map(([node, cost]) => {
    const sized = node.inputs.map((input) => {
      const type = input && types.get(input)
      const shape = type && evaluateShape(type.shape, bindings)
      return type && shape && { dtype: type.dtype, shape }
    })
    let [weights, others] = [0, 0]
    node.inputs.forEach((input, i) => {
      if (input && graph.weights.has(input)) weights += bytesOfType(sized[i])
      else others += bytesOfType(sized[i])
    })
    // of a table only what is taken moves
    const weightBytes = Math.min(weights, Math.max(0, cost.bytesRead - others))
    const { macs, flops } = cost
    const [left, right] = sized
    const narrow = [left, right].every((type) => type?.dtype === 'int8' || type?.dtype === 'uint8')
    const weighted = node.inputs[1] && graph.weights.has(node.inputs[1])
    const inner = left?.shape.at(-1) ?? 0
    const columns = weighted && macs > 0 && inner > 0 && productColumns(right?.shape, inner)
    return {
      node,
      macs,
      int8Macs: narrow ? macs : 0,
      flops,
      weightBytes,
      activationBytes: cost.bytesRead - weightBytes + cost.bytesWritten,
      ...(columns && { product: [macs / inner / columns, inner, columns] as const }),
    }
  })
}

/** Columns of a weight matrix, whichever way it lies. */
function productColumns(shape: readonly number[] | undefined, inner: number): number | undefined {
  if (shape?.length !== 2) return undefined
  return shape[0] === inner ? shape[1] : shape[0]
}
