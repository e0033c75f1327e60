/**
 * Views: Reshape, Squeeze, Unsqueeze and Flatten only rename the axes of the same elements in the same order.
 *
 * A chain of views is one Reshape with a constant target, or nothing where an earlier value has the shape.
 * Exporters compute targets at run time from Shape, Gather and Concat; inference follows those chains by
 * value, so the result's dimensions are known: what equals the dimension at the same place is copied (0),
 * what is a number is written, and one other is left over (−1).
 */
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { type Dim, equalDims, equalShapes, type Shape } from '../../graph/shape.ts'
import { inlineValues, int64Tensor } from '../../graph/tensor.ts'
import type { InferredType } from '../../ops/infer/infer-row.ts'
import { constantInts } from '../constant-ints.ts'
import { sameBatch } from './same-batch.ts'

const viewOps = new Set(['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'])

const isView = (node: Node | undefined): node is Node => node?.domain === '' && viewOps.has(node.op)

/** What a view shows, nearest first. */
function* sources(node: Node, context: RewriteContext): Generator<Value> {
  for (let view: Node | undefined = node; isView(view); ) {
    const [x]: readonly (Value | undefined)[] = view.inputs
    if (!x) return
    yield x
    view = context.producer(x)
  }
}

/** A view of a view that is a value we have → that value. */
export const viewOfSame: NodeRule = {
  name: 'view-of-same',
  anchors: [...viewOps],
  apply(node, context) {
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    if (!to) return undefined
    for (const source of sources(node, context)) {
      if (equalShapes(context.typeOf(source)?.shape, to)) return [source]
    }
    return undefined
  },
}

/** `Reshape(marks [b, s], [B, −1])`, b and B the batches of two inputs, which are taken for one → marks. */
export const viewOfBatch: NodeRule = {
  name: 'view-of-batch',
  anchors: ['Reshape'],
  apply(node, context) {
    const [x, target] = node.inputs
    const [from, to] = [x, node.outputs[0]].map((value) => value && context.typeOf(value)?.shape)
    const known = (target && (context.typeOf(target) as InferredType | undefined))?.known
    if (!x || from?.length !== 2 || to?.length !== 2 || known?.length !== 2) return undefined
    // marks alone: of images, one text may have several
    const isMarks = /^(int|bool)/.test(context.typeOf(x)?.dtype ?? '')
    if (known[1] !== -1 || from[0] === to[0] || !isMarks) return undefined
    return sameBatch(from[0]!, to[0]!, context) ? [x] : undefined
  },
}

/** Views → one `Reshape(x, constant)` from as far up as dimensions are known. */
export const constantReshape: NodeRule = {
  name: 'constant-reshape',
  anchors: ['Reshape', 'Flatten'],
  apply(node, context) {
    const to = node.outputs[0] && context.typeOf(node.outputs[0])?.shape
    if (!to) return undefined
    const steps = [...sources(node, context)].reverse()
    for (const source of steps) {
      const from = context.typeOf(source)?.shape
      const dims = from && targetOf(from, to)
      if (!dims) continue
      if (source === node.inputs[0] && isWritten(node, dims, context)) return undefined
      return [context.op('Reshape', [source, context.constant(int64Tensor(dims), 'shape')])]
    }
    return undefined
  },
}

/** `Unsqueeze(Unsqueeze(x, a), b)` → one Unsqueeze; where axes are stored, and x is read by it alone. */
export const mergeUnsqueezes: NodeRule = {
  name: 'merge-unsqueezes',
  anchors: ['Unsqueeze'],
  apply(node, context) {
    const inner = node.inputs[0] && context.producer(node.inputs[0])
    const x = inner?.op === 'Unsqueeze' && inner.domain === '' ? inner.inputs[0] : undefined
    const rank = x && context.typeOf(x)?.shape?.length
    const [first, second] = [inner, node].map(
      (one) => one?.inputs[1] && constantInts(one.inputs[1], context),
    )
    if (!x || rank === undefined || !first || !second) return undefined
    const middle = rank + first.length
    const made = new Set(normal(first, middle))
    const added = normal(second, middle + second.length)
    // where each axis of the middle comes to stand
    const places = Array.from({ length: middle + second.length }, (_, axis) => axis).filter(
      (axis) => !added.includes(axis),
    )
    const axes = [...added, ...places.filter((_, axis) => made.has(axis))].sort((a, b) => a - b)
    return [context.op('Unsqueeze', [x, context.constant(int64Tensor(axes), 'axes')])]
  },
}

const normal = (axes: readonly number[], rank: number): number[] =>
  axes.map((axis) => (axis < 0 ? axis + rank : axis))

/** The node is the very Reshape that would be written. */
function isWritten(node: Node, dims: readonly number[], context: RewriteContext): boolean {
  const target = node.op === 'Reshape' && node.inputs[1] && context.weight(node.inputs[1])
  const values = target ? inlineValues(target.tensor) : undefined
  return (
    values !== undefined &&
    !node.attributes.allowzero &&
    Array.from(values, Number).join() === dims.join()
  )
}

/**
 * The constant target: leading dimensions are copied, numbers written; undefined when two dimensions must be
 * found at run time.
 */
function targetOf(from: Shape, to: Shape): number[] | undefined {
  const isCopy = (dim: Dim, i: number) => i < from.length && equalDims(dim, from[i]!) === true
  const changed = to.findIndex((dim, i) => !isCopy(dim, i))
  const leading = changed < 0 ? to.length : changed
  const dims = to.map((dim, i) => {
    if (i < leading) return 0
    return typeof dim === 'number' ? dim : isCopy(dim, i) ? 0 : undefined
  })
  const open = dims.filter((dim) => dim === undefined).length
  // a known zero would read as a copy
  if (open > 1 || to.includes(0)) return undefined
  return dims.map((dim) => dim ?? -1)
}
