/** Writes a canonical graph in the operators of an older opset. */
import { LimbeckError } from '../errors.ts'
import { CANONICAL_OPSET, type Graph } from '../graph/graph.ts'
import { convertGraph, type NextStep } from './convert-opset.ts'
import { lowerTable } from './lower-table.ts'

/** Oldest opset that can be written. */
export const OLDEST_TARGET = 17

/**
 * The graph in opset `target` (17 to 24), its `opsets` said so.
 * @throws LimbeckError `graph`, naming the node, for an operator that has no form there.
 */
export function lower(graph: Graph, target: number): Graph {
  if (!Number.isInteger(target) || target < OLDEST_TARGET || target > CANONICAL_OPSET) {
    throw new LimbeckError(
      'usage',
      `Opset ${target} cannot be written: expected ${OLDEST_TARGET} to ${CANONICAL_OPSET}.`,
    )
  }
  const current = graph.opsets.get('') ?? CANONICAL_OPSET
  if (target >= current) return graph
  // the newest change above the target comes first
  const next: NextStep = (op, version) => {
    const steps = Object.hasOwn(lowerTable, op) ? lowerTable[op]! : []
    const step = steps.findLast(({ since }) => since <= version && since > target)
    return step && { step, after: step.since - 1 }
  }
  const lowered = convertGraph(graph, current, next)
  return { ...lowered, opsets: new Map([...graph.opsets, ['', target]]) }
}
