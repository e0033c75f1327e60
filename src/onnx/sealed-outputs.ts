/**
 * Graphs whose answers are not copied.
 *
 * onnxruntime-node writes outputs into the memory that it is given, and then copies each of them once more for
 * its answer: of a training step, three times the model. It makes the answer in the order of the outputs, and a
 * sequence is what it cannot make one of. With an empty sequence as the first output the run does all its work,
 * and ends with that refusal before the first copy (`runtime/tensor-store.ts` reads the outputs where it has
 * let them be written). A run that does not ask for the sequence answers as ever.
 */
import { create } from '@bufbuild/protobuf'
import type { Graph, Value } from '../graph/graph.ts'
import { newNode } from '../graph/new-node.ts'
import { TypeProtoSchema } from './generated/onnx-ml.ts'

const FLOAT = 1

/** The graph with an empty sequence as its first output. */
export function withSealedOutputs(graph: Graph): Graph {
  const elemType = { value: { case: 'tensorType' as const, value: { elemType: FLOAT } } }
  const opaqueType = create(TypeProtoSchema, {
    value: { case: 'sequenceType', value: { elemType } },
  })
  const seal: Value = { name: 'seal', opaqueType }
  const node = { ...newNode('SequenceEmpty', [], 1), outputs: [seal] }
  return {
    ...graph,
    nodes: [...graph.nodes, node],
    outputs: [{ name: 'seal', value: seal }, ...graph.outputs],
  }
}
