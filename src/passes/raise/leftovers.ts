/** What tracing leaves behind and our own graphs never have: parts, pads, cuts and casts that change nothing. */
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { equalShapes } from '../../graph/shape.ts'
import { constantInts } from '../constant-ints.ts'

const allAre = (value: Value | undefined, number: number, context: RewriteContext): boolean =>
  (value && constantInts(value, context)?.every((one) => one === number)) === true

/** When an operator gives its first input as it is. */
const idle: Readonly<Record<string, (node: Node, context: RewriteContext) => boolean>> = {
  Concat: ({ inputs }) => inputs.length === 1,
  Pad: ({ inputs: [, pads] }, context) => allAre(pads, 0, context),
  // all of it, in order
  Slice({ inputs: [x, , , , steps], outputs: [y] }, context) {
    const [from, to] = [x, y].map((value) => value && context.typeOf(value)?.shape)
    return equalShapes(from, to) && (!steps || allAre(steps, 1, context))
  },
}

/** A Concat of one part, a Pad by nothing, a Slice of all. */
const dropIdle: NodeRule = {
  name: 'drop-idle',
  anchors: Object.keys(idle),
  apply(node, context) {
    const [x] = node.inputs
    return x && idle[node.op]!(node, context) ? [x] : undefined
  },
}

/** `Cast(Cast(x))` whose inner step loses nothing → one Cast: of truth values, or to wider integers. */
const oneCast: NodeRule = {
  name: 'one-cast',
  anchors: ['Cast'],
  apply(node, context) {
    const inner = node.inputs[0] && context.producer(node.inputs[0])
    const x = inner?.op === 'Cast' && inner.domain === '' ? inner.inputs[0] : undefined
    const [from, middle] = [x, node.inputs[0]].map((value) => value && context.typeOf(value)?.dtype)
    const exact = from === 'bool' || (from === 'int32' && middle === 'int64')
    return x && exact && middle !== 'string'
      ? [context.op('Cast', [x], node.attributes)]
      : undefined
  },
}

/** Every rule. */
export const leftoverRules: readonly NodeRule[] = [dropIdle, oneCast]
