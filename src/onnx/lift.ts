/** Raises a graph of any supported opset to the canonical one. */
import { LimbeckError } from '../errors.ts'
import { CANONICAL_OPSET, type Graph } from '../graph/graph.ts'
import { inferTypes } from '../ops/infer-types.ts'
import { convertGraph, type NextStep } from './convert-opset.ts'
import { flattenedSoftmax, flattening, liftTable } from './lift-table.ts'

/** Oldest and newest opset that can be read; 25 adds element types only to what we know. */
export const OLDEST_SOURCE = 7
export const NEWEST_SOURCE = 25

const nextStep: NextStep = (op, version) => {
  const steps = Object.hasOwn(liftTable, op) ? liftTable[op]! : []
  const step = steps.find(({ since }) => since > version)
  return step && { step, after: step.since }
}

/**
 * The graph in the canonical opset; constants (`Constant` nodes) have become weights.
 * `name` is what messages call the model.
 * @throws LimbeckError `file` for an opset outside 7 to 25, `graph` for a node that has no newer form.
 */
export function lift(graph: Graph, name: string): Graph {
  const version = graph.opsets.get('') ?? CANONICAL_OPSET
  if (!(version >= OLDEST_SOURCE && version <= NEWEST_SOURCE)) {
    throw new LimbeckError(
      'file',
      `${name}: expected opset ${OLDEST_SOURCE} to ${NEWEST_SOURCE} of ai.onnx, got ${version}.`,
      { hint: 'Export the model again with a newer opset, such as 17.' },
    )
  }
  const lifted: Graph = {
    ...convertGraph(graph, version, nextStep),
    opsets: new Map([...graph.opsets, ['', CANONICAL_OPSET]]),
  }
  return version < flattening.since ? unflattened(lifted) : lifted
}

/** Second, because what a flattened softmax becomes depends on ranks, which only a lifted graph knows. */
function unflattened(graph: Graph): Graph {
  const convert = flattenedSoftmax((value) => inferTypes(graph).get(value)?.shape?.length)
  const next: NextStep = (op, version) =>
    version < flattening.since && flattening.ops.has(op)
      ? { step: { since: flattening.since, convert }, after: flattening.since }
      : undefined
  return convertGraph(graph, 0, next)
}
