/**
 * Transposes that undo each other across operators that do not care for the order of axes: the lower one moves
 * up through elementwise operators, Softmax, norms, Concat and Split, with their axes mapped, until it meets
 * the upper ones, and both are gone. Constants are turned while the file is written.
 *
 * Nothing is computed twice: what others read too is not moved through. There are fewer Transposes afterwards,
 * or the graph is left as it is.
 */
import { int, intOf, ints, intsOf } from '../../graph/attributes.ts'
import type { Attributes, Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { int64Tensor, reshaped, transposed } from '../../graph/tensor.ts'
import { constantInts } from '../constant-ints.ts'
import { linksOf } from '../structure/graph-links.ts'

/** How far a Transpose moves. */
const MAX_DEPTH = 24

/** The lower Transpose taken up as far as it goes. */
export const cancelTransposes: NodeRule = {
  name: 'cancel-transposes',
  anchors: ['Transpose'],
  apply(node, context) {
    const perm = intsOf(node, 'perm')
    const [x] = node.inputs
    const before = x && context.producer(x)
    // two in a row are merged by a rule of their own
    if (!x || !perm || !before || before.op === 'Transpose') return undefined
    const turning = new Turning(context, perm)
    const value = turning.turned(x, 0)
    if (!value || turning.met === 0) return undefined
    if (turning.added > turning.removed) {
      const { added, removed } = turning
      context.miss(this.name, 2, `${added} Transposes would take the place of ${removed + 1}`, x)
      return undefined
    }
    return [value]
  },
}

/** An operator's inputs and attributes when its result is wanted turned; undefined when it cannot be. */
type Move = (node: Node, turning: Turning, depth: number, value: Value) => Value | undefined

/** One attempt: `perm`, and what it costs. */
class Turning {
  /** Upper Transposes that it came to, those of them that go, and new ones. */
  met = 0
  removed = 0
  added = 0
  readonly context: RewriteContext
  readonly perm: readonly number[]

  constructor(context: RewriteContext, perm: readonly number[]) {
    this.context = context
    this.perm = perm
  }

  /** `Transpose(value, perm)`, moved up where that is possible. */
  turned(value: Value, depth: number): Value | undefined {
    if (this.context.weight(value)) return this.constant(value)
    if (this.rank(value) !== this.perm.length) return undefined
    const node = this.context.producer(value)
    if (node?.op === 'Transpose' && node.domain === '') return this.meet(node)
    const move = node?.domain === '' && Object.hasOwn(moves, node.op) ? moves[node.op] : undefined
    const isOwn = move && this.context.uses(value) === 1 && depth < MAX_DEPTH
    return (isOwn && move(node!, this, depth + 1, value)) || this.leaf(value, this.perm)
  }

  rank(value: Value | undefined): number | undefined {
    return value && this.context.typeOf(value)?.shape?.length
  }

  /** Where an axis comes to stand. */
  place(axis: number): number {
    return this.perm.indexOf(axis < 0 ? axis + this.perm.length : axis)
  }

  op(node: Node, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    const { domain, origin, quantization } = node
    const all = { ...node.attributes, ...attributes }
    return this.context.op(node.op, inputs, all, { domain, origin, quantization })
  }

  private leaf(value: Value, perm: readonly number[]): Value {
    this.added++
    return this.context.op('Transpose', [value], { perm: ints(perm) })
  }

  private meet(node: Node): Value | undefined {
    const upper = intsOf(node, 'perm')
    const [source] = node.inputs
    if (!upper || !source) return undefined
    this.met++
    if (this.context.uses(node.outputs[0]!) === 1) this.removed++
    const both = this.perm.map((axis) => upper[axis]!)
    return both.every((axis, i) => axis === i) ? source : this.leaf(source, both)
  }

  /** A constant of as many axes or fewer, turned; one number stays. */
  private constant(value: Value): Value | undefined {
    const { tensor, parameter } = this.context.weight(value)!
    const missing = this.perm.length - tensor.shape.length
    if (missing < 0) return undefined
    if (tensor.shape.every((dim) => dim === 1)) return value
    // a parameter keeps its axes
    if (parameter) return undefined
    const whole = reshaped(tensor, [...new Array<number>(missing).fill(1), ...tensor.shape])
    return this.context.constant(transposed(whole, this.perm), value.name)
  }
}

/** Any number of operands that are broadcast together. */
const elementwise: Move = (node, turning, depth) => {
  const inputs = node.inputs.map((input) => input && turning.turned(input, depth))
  return inputs.includes(undefined) ? undefined : turning.op(node, inputs)
}

/** One operand; the others are numbers that bound or seed it. */
const unary: Move = (node, turning, depth) => {
  const [x, ...others] = node.inputs
  const inner = x && turning.turned(x, depth)
  return inner && turning.op(node, [inner, ...others])
}

/** Along one axis. */
const alongAxis: Move = (node, turning, depth) => {
  const [x] = node.inputs
  const inner = x && turning.turned(x, depth)
  return inner && turning.op(node, [inner], { axis: int(turning.place(intOf(node, 'axis', -1))) })
}

/** Over the last axis, which must stay the last; scale and shift are rows of it. */
const overLast: Move = (node, turning, depth) => {
  const [x, ...rows] = node.inputs
  const rank = turning.perm.length
  const isLast = [-1, rank - 1].includes(intOf(node, 'axis', -1)) && turning.place(-1) === rank - 1
  const areRows = rows.every((row) => !row || turning.rank(row) === 1)
  if (!isLast || !areRows || node.outputs.length > 1) return undefined
  const inner = x && turning.turned(x, depth)
  return inner && turning.op(node, [inner, ...rows])
}

const reduction: Move = (node, turning, depth) => {
  const [x, list] = node.inputs
  const axes = list && constantInts(list, turning.context)
  if (!axes || intOf(node, 'keepdims', 1) !== 1) return undefined
  const inner = x && turning.turned(x, depth)
  const places = int64Tensor(axes.map((axis) => turning.place(axis)))
  return inner && turning.op(node, [inner, turning.context.constant(places, 'axes')])
}

const moves: Readonly<Record<string, Move>> = {
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Where', 'And', 'Or', 'Equal', 'Less'].map(
      (op) => [op, elementwise],
    ),
  ),
  ...Object.fromEntries(
    [
      ...['Relu', 'Gelu', 'Tanh', 'Sigmoid', 'Erf', 'Sqrt', 'Exp', 'Log', 'Neg', 'Abs', 'Not'],
      ...['Reciprocal', 'Cast', 'Clip', 'LeakyRelu', 'Elu', 'HardSwish', 'Softplus', 'IsNaN'],
    ].map((op) => [op, unary]),
  ),
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  LayerNormalization: overLast,
  RMSNormalization: overLast,
  ReduceMean: reduction,
  ReduceSum: reduction,
  ReduceMax: reduction,
  Concat(node, turning, depth) {
    const inputs = node.inputs.map((input) => input && turning.turned(input, depth))
    const whole = node.inputs.every((input) => turning.rank(input) === turning.perm.length)
    if (inputs.includes(undefined) || !whole) return undefined
    return turning.op(node, inputs, { axis: int(turning.place(intOf(node, 'axis', 0))) })
  },
  // all parts that are read are turned alike, each by its own reader
  Split(node, turning, depth, value) {
    const { context, perm } = turning
    const [x, sizes] = node.inputs
    const links = linksOf(context.graph)
    const alike = node.outputs.every((part) => {
      const readers = part ? links.readers(part) : []
      const turns = readers.filter(
        (one) => one.op === 'Transpose' && intsOf(one, 'perm')?.join() === perm.join(),
      )
      return !part || context.uses(part) === turns.length
    })
    const inner = alike && x ? turning.turned(x, depth) : undefined
    if (!inner) return undefined
    const attributes = { ...node.attributes, axis: int(turning.place(intOf(node, 'axis', 0))) }
    const parts = context.ops(
      'Split',
      sizes ? [inner, sizes] : [inner],
      node.outputs.length,
      attributes,
    )
    return parts[node.outputs.indexOf(value)]
  },
}
