/**
 * Types written into the file for what Attention reads.
 *
 * The operator's schema takes a width it cannot infer (a Reshape to a computed shape) for 0 and gives the
 * output that width; ONNX Runtime then refuses what adds to it or multiplies it. It believes declared types.
 */
import { mapUses, type Value } from '../graph/graph.ts'
import { inferTypes } from '../ops/infer-types.ts'
import type { Pass } from './pass.ts'

export const declareWidths: Pass = {
  name: 'declare-widths',
  summary: 'Declares the types that the Attention kernel needs to know when a file is loaded.',
  apply(graph) {
    const types = inferTypes(graph)
    const typed = new Map<Value, Value>()
    for (const node of graph.nodes) {
      if (node.op !== 'Attention' || node.domain !== '') continue
      for (const value of node.inputs.slice(0, 3)) {
        const type = value && !value.type ? types.get(value) : undefined
        if (value && type?.shape) {
          typed.set(value, { ...value, type: { dtype: type.dtype, shape: type.shape } })
        }
      }
    }
    if (typed.size === 0) return graph
    const declared = (value: Value): Value => typed.get(value) ?? value
    return {
      ...graph,
      nodes: graph.nodes.map((node) => ({
        ...mapUses(node, declared),
        outputs: node.outputs.map((output) => output && declared(output)),
      })),
      outputs: graph.outputs.map((port) => ({ ...port, value: declared(port.value) })),
      taps: new Map([...graph.taps].map(([name, value]) => [name, declared(value)])),
      quantization: new Map([...graph.quantization].map(([value, q]) => [declared(value), q])),
    }
  },
}
