/**
 * Operators that move elements and change none: windows are cut, shifted and laid back by these, and structure
 * looks through them.
 */
import type { Node, Value } from '../../graph/graph.ts'
import type { GraphLinks } from './graph-links.ts'

const moves = new Set([
  'Reshape',
  'Transpose',
  'Pad',
  'Slice',
  'Concat',
  'Squeeze',
  'Unsqueeze',
  'Identity',
])

export const isMove = (node: Node | undefined): node is Node =>
  node?.domain === '' && moves.has(node.op)

/** More than any window takes: cut, shift and pad are ten. */
export const MAX_MOVES = 32

/** What a value was before its elements were moved; of a Concat's parts, the one source. */
export function beforeMoves(
  value: Value,
  links: GraphLinks,
  known: Map<Value, Value>,
  depth = 0,
): Value {
  const found = known.get(value)
  if (found) return found
  const node = links.producer(value)
  const parts = isMove(node) && depth < MAX_MOVES ? node.inputs : []
  const read = node?.op === 'Concat' ? parts : parts.slice(0, 1)
  const [only, ...others] = new Set(
    read.map((part) => part && beforeMoves(part, links, known, depth + 1)),
  )
  const source = only && others.length === 0 ? only : value
  known.set(value, source)
  return source
}
