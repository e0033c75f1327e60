/**
 * Work that changes nothing, and steps that are one: identities, double transposes and reshapes.
 */

import { ints, intsOf } from '../graph/attributes.ts'
import { dataTypeOfCode } from '../graph/data-type.ts'
import type { Value } from '../graph/graph.ts'
import { scalarOf } from '../graph/pattern.ts'
import type { NodeRule } from '../graph/rewrite.ts'
import { equalShapes } from '../graph/shape.ts'
import { constantInts } from './constant-ints.ts'

/** `Identity(x)` → `x`. */
const identity: NodeRule = {
  name: 'eliminate-identity',
  anchors: ['Identity'],
  apply: (node) => (node.inputs[0] ? [node.inputs[0]] : undefined),
}

/** `Dropout(x)` at inference, when nobody reads the mask. */
const dropout: NodeRule = {
  name: 'eliminate-dropout',
  anchors: ['Dropout'],
  apply(node, context) {
    const [x, , training] = node.inputs
    const mask = node.outputs[1]
    const off = !training || scalarOf(context.weight(training)?.tensor) === 0
    return x && off && (!mask || context.uses(mask) === 0) ? [x] : undefined
  },
}

/** `Cast(x)` to the type that x has. */
const cast: NodeRule = {
  name: 'eliminate-cast',
  anchors: ['Cast'],
  apply(node, context) {
    const [x] = node.inputs
    const to = node.attributes.to
    const target = to?.type === 'int' ? dataTypeOfCode(Number(to.value)) : undefined
    return x && target && context.typeOf(x)?.dtype === target ? [x] : undefined
  },
}

/** `Transpose(Transpose(x, p), q)` → `Transpose(x, p∘q)`, or x when that is the identity. */
const transposeTranspose: NodeRule = {
  name: 'merge-transposes',
  anchors: ['Transpose'],
  apply(node, context) {
    const outer = intsOf(node, 'perm')
    const inner = node.inputs[0] && context.producer(node.inputs[0])
    if (outer?.every((axis, i) => axis === i)) return [node.inputs[0]!]
    const first =
      inner?.op === 'Transpose' && inner.domain === '' ? intsOf(inner, 'perm') : undefined
    const x = inner?.inputs[0]
    if (!outer || !first || !x || context.uses(node.inputs[0]!) > 1) return undefined
    const perm = outer.map((axis) => first[axis]!)
    if (perm.every((axis, i) => axis === i)) return [x]
    return [context.op('Transpose', [x], { perm: ints(perm) })]
  },
}

/** `Reshape(Reshape(x, a), b)` → `Reshape(x, b)`, unless b copies a dimension of the middle (0). */
const reshapeReshape: NodeRule = {
  name: 'merge-reshapes',
  anchors: ['Reshape'],
  apply(node, context) {
    const [middle, shape] = node.inputs
    const inner = middle && context.producer(middle)
    if (!shape || inner?.op !== 'Reshape' || inner.domain !== '' || node.attributes.allowzero) {
      return undefined
    }
    const target = constantInts(shape, context)
    const x = inner.inputs[0]
    if (!x || !target || target.includes(0)) return undefined
    return [context.op('Reshape', [x, shape], node.attributes)]
  },
}

/** `Reshape(x)` to the very shape x has. */
const reshapeSame: NodeRule = {
  name: 'eliminate-reshape',
  anchors: ['Reshape', 'Expand'],
  apply(node, context) {
    const [x] = node.inputs
    const from = x && context.typeOf(x)?.shape
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    return x && equalShapes(from, to) ? [x] : undefined
  },
}

/** Operators with a number on one side that leaves the other as it is. */
const neutral: Readonly<Record<string, { readonly value: number; readonly both: boolean }>> = {
  Add: { value: 0, both: true },
  Sub: { value: 0, both: false },
  Mul: { value: 1, both: true },
  Div: { value: 1, both: false },
  Pow: { value: 1, both: false },
}

/** `x + 0`, `x · 1`, `x / 1`, `x¹` → x, when the shape stays. */
const neutralElement: NodeRule = {
  name: 'eliminate-neutral',
  anchors: Object.keys(neutral),
  apply(node, context) {
    const { value, both } = neutral[node.op]!
    const [a, b] = node.inputs
    if (!a || !b) return undefined
    const keeps = (x: Value, other: Value): boolean =>
      scalarOf(context.weight(other)?.tensor) === value &&
      (context.weight(other)?.tensor.shape.length ?? 1) <= (context.typeOf(x)?.shape?.length ?? -1)
    if (keeps(a, b)) return [a]
    return both && keeps(b, a) ? [b] : undefined
  },
}

export const eliminateRules: readonly NodeRule[] = [
  identity,
  dropout,
  cast,
  transposeTranspose,
  reshapeReshape,
  reshapeSame,
  neutralElement,
]
