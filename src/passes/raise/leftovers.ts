/** What tracing leaves behind and our own graphs never have: parts, pads, cuts and casts that change nothing. */
import type { NodeRule } from '../../graph/rewrite.ts'
import { equalShapes } from '../../graph/shape.ts'
import { constantInts } from '../constant-ints.ts'

/** `Concat(x)` of one part. */
const concatOne: NodeRule = {
  name: 'drop-concat',
  anchors: ['Concat'],
  apply: ({ inputs: [x, ...others] }) => (x && others.length === 0 ? [x] : undefined),
}

/** `Pad(x)` by nothing. */
const padNothing: NodeRule = {
  name: 'drop-pad',
  anchors: ['Pad'],
  apply({ inputs: [x, pads] }, context) {
    const sizes = pads && constantInts(pads, context)
    return x && sizes?.every((size) => size === 0) ? [x] : undefined
  },
}

/** `Slice(x)` that takes all of x, in order. */
const sliceWhole: NodeRule = {
  name: 'drop-slice',
  anchors: ['Slice'],
  apply(node, context) {
    const [x, , , , by] = node.inputs
    const steps = by ? constantInts(by, context) : [1]
    const from = x && context.typeOf(x)?.shape
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    const inOrder = steps?.every((step) => step === 1)
    return x && inOrder && equalShapes(from, to) ? [x] : undefined
  },
}

/** `Cast(Cast(x))` whose inner step loses nothing → one Cast: of truth values, or to wider integers. */
const castCast: NodeRule = {
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
export const leftoverRules: readonly NodeRule[] = [concatOne, padNothing, sliceWhole, castCast]
