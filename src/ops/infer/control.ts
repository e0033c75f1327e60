/** Types of control flow: what branches have in common, and what a loop carries round. */
import { intOf, intsOf } from '../../graph/attributes.ts'
import type { Graph, Node } from '../../graph/graph.ts'
import { type Dim, equalDims, type Shape } from '../../graph/shape.ts'
import type { KnownOp } from '../known.ts'
import {
  type InferContext,
  type InferRow,
  type InferredType,
  like,
  scalarOf,
  typed,
} from './infer-row.ts'

const bodyOf = (node: Node, name: string): Graph | undefined => {
  const attribute = node.attributes[name]
  return attribute?.type === 'graph' ? attribute.value : undefined
}

/** What two accounts share: dimensions that differ are unknown, and so are ranks. */
function common(
  a: InferredType | undefined,
  b: InferredType | undefined,
): InferredType | undefined {
  if (!a || !b || a.dtype !== b.dtype) return undefined
  return typed(a.dtype, commonShape(a.shape, b.shape))
}

function commonShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a?.length !== b?.length) return undefined
  return a?.map((dim, i): Dim => (equalDims(dim, b![i]!) === true ? dim : null))
}

/** A condition that is known takes its branch; the other one is still looked at. */
const branches: InferRow = ({ node, inputs: [condition], subgraph }) => {
  const [then, otherwise] = ['then_branch', 'else_branch'].map((name) => {
    const body = bodyOf(node, name)
    return body ? subgraph(body, []) : []
  })
  const taken = scalarOf(condition)
  return node.outputs.map((_, i) => {
    if (taken === 1) return then?.[i]
    return taken === 0 ? otherwise?.[i] : common(then?.[i], otherwise?.[i])
  })
}

/**
 * Types of loop-carried values that hold in every turn: those given, widened until the body gives no
 * more than it takes (twice at most, then the rank is open).
 */
function carried(
  initial: readonly (InferredType | undefined)[],
  turn: (state: readonly (InferredType | undefined)[]) => readonly (InferredType | undefined)[],
) {
  let state = initial.map(like)
  for (let round = 0; round < 3; round++) {
    const after = turn(state)
    const widened = state.map((type, i) => common(type, after[i]))
    if (widened.every((type, i) => sameType(type, state[i]))) return { state, after }
    state = round < 1 ? widened : widened.map((type) => typed(type?.dtype))
  }
  return { state, after: turn(state) }
}

const sameType = (a: InferredType | undefined, b: InferredType | undefined): boolean =>
  a?.dtype === b?.dtype && JSON.stringify(a?.shape) === JSON.stringify(b?.shape)

/** Body: (turn, condition, carried…) → (condition, carried…, one slice of each scan output…). */
const loop: InferRow = ({ node, inputs, subgraph }) => {
  const body = bodyOf(node, 'body')
  if (!body) return []
  const initial = inputs.slice(2)
  const count = initial.length
  const { state, after } = carried(initial, (types) =>
    subgraph(body, [typed('int64', []), typed('bool', []), ...types]).slice(1),
  )
  const turns = scalarOf(inputs[0])
  const stopsEarly = body.outputs[0] && !isConstantTrue(body)
  const length = stopsEarly ? null : (turns ?? null)
  return node.outputs.map((_, i) =>
    i < count ? common(state[i], after[i]) : stacked(after[i], length, 0),
  )
}

/** The condition comes straight from the input or from a constant: the loop runs its full count. */
const isConstantTrue = (body: Graph): boolean => body.outputs[0]?.value === body.inputs[1]?.value

const stacked = (
  type: InferredType | undefined,
  length: Dim,
  axis: number,
): InferredType | undefined => {
  const rank = type?.shape?.length
  const at = axis < 0 && rank !== undefined ? axis + rank + 1 : axis
  return typed(
    type?.dtype,
    type?.shape && [...type.shape.slice(0, at), length, ...type.shape.slice(at)],
  )
}

/** Body: (carried…, one slice of each scan input…) → (carried…, one slice of each scan output…). */
const scan: InferRow = ({ node, inputs, subgraph }: InferContext) => {
  const body = bodyOf(node, 'body')
  const scanned = intOf(node, 'num_scan_inputs', 0)
  if (!body) return []
  const count = inputs.length - scanned
  const axes = intsOf(node, 'scan_input_axes') ?? []
  const sliceOf = (type: InferredType | undefined, i: number) => {
    const axis = axes[i] ?? 0
    const at = axis < 0 && type?.shape ? axis + type.shape.length : axis
    return typed(
      type?.dtype,
      type?.shape?.filter((_, k) => k !== at),
    )
  }
  const slices = inputs.slice(count).map(sliceOf)
  const { state, after } = carried(inputs.slice(0, count), (types) =>
    subgraph(body, [...types, ...slices]),
  )
  const length = inputs[count]?.shape?.at(axes[0] ?? 0) ?? null
  const outAxes = intsOf(node, 'scan_output_axes') ?? []
  return node.outputs.map((_, i) =>
    i < count ? common(state[i], after[i]) : stacked(after[i], length, outAxes[i - count] ?? 0),
  )
}

export const control = { If: branches, Loop: loop, Scan: scan } satisfies Partial<
  Record<KnownOp, InferRow>
>
