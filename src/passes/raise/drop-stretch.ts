/**
 * What is stretched to a shape that broadcasting gives anyway: `x + Expand(b, shape of x)` → `x + b`.
 *
 * Exporters expand masks, biases and rows of one token type to the whole batch before they meet it; the
 * stretched copy is written and read again in every run. Only where the shapes are known to come out equal.
 */
import { int } from '../../graph/attributes.ts'
import { hostArray } from '../../graph/data-type.ts'
import type { Node, Value } from '../../graph/graph.ts'
import { scalarOf } from '../../graph/pattern.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { broadcastDims, type Dim, equalShapes, type Shape } from '../../graph/shape.ts'
import { inlineTensor, inlineValues, int64Tensor, type Tensor } from '../../graph/tensor.ts'

const elementwise = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Min',
  'Max',
  'And',
  'Or',
  'Where',
  'Equal',
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual',
]

const shapeOf = (value: Value | undefined, context: RewriteContext): Shape | undefined =>
  value && context.typeOf(value)?.shape

/** Operands that are stretched → what they were made of, where the result keeps its shape. */
export const dropStretch: NodeRule = {
  name: 'drop-stretch',
  anchors: elementwise,
  apply(node, context) {
    const out = shapeOf(node.outputs[0], context)
    if (!out) return undefined
    for (const [i, input] of node.inputs.entries()) {
      const short = input && unstretched(input, context)
      if (!short) continue
      const shapes = node.inputs.map((other, at) =>
        at === i ? short.shape : shapeOf(other, context),
      )
      if (equalShapes(together(shapes), out)) {
        const operand = raisedTo(short, out.length, context)
        return [context.op(node.op, node.inputs.with(i, operand), node.attributes)]
      }
      context.miss('drop-stretch', 2, 'the other operands are not known to be as large', input)
    }
    return undefined
  },
}

interface Short {
  readonly value: Value
  readonly shape: Shape
}

/** What Expand or ConstantOfShape stretched. */
function unstretched(value: Value, context: RewriteContext): Short | undefined {
  const node = context.producer(value)
  if (node?.domain !== '') return undefined
  const x =
    node.op === 'Expand'
      ? node.inputs[0]
      : node.op === 'ConstantOfShape'
        ? filling(node, context)
        : undefined
  const shape = shapeOf(x, context)
  return x && shape ? { value: x, shape } : undefined
}

/** With as many axes as the result: masks and biases are told by theirs. A number needs none. */
function raisedTo({ value, shape }: Short, rank: number, context: RewriteContext): Value {
  const missing = rank - shape.length
  const isNumber = scalarOf(context.weight(value)?.tensor) !== undefined
  if (missing <= 0 || isNumber) return value
  const axes = int64Tensor(Array.from({ length: missing }, (_, axis) => axis))
  return context.op('Unsqueeze', [value, context.constant(axes, 'axes')])
}

/** The number that ConstantOfShape fills with. */
function filling(node: Node, context: RewriteContext): Value | undefined {
  const { value } = node.attributes
  if (value?.type !== 'tensor') return undefined
  return context.constant({ ...value.value, shape: [] }, 'filling')
}

function together(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  const rank = Math.max(...shapes.map((shape) => shape?.length ?? 0))
  if (shapes.includes(undefined)) return undefined
  const dims = Array.from({ length: rank }, (_, axis) =>
    shapes.reduce<Dim | undefined>((size, shape) => {
      const dim = shape!.at(axis - rank)
      const own = axis - rank + shape!.length < 0 ? 1 : dim!
      return size === undefined ? undefined : broadcastDims(size, own)
    }, 1),
  )
  return dims.includes(undefined) ? undefined : (dims as Shape)
}

/** A lookup in a list of one number again and again → that number, stretched to the indices' shape. */
export const gatherUniform: NodeRule = {
  name: 'gather-uniform',
  anchors: ['GatherElements'],
  apply(node, context) {
    const [data, indices] = node.inputs
    const expand = data && context.producer(data)
    const stored = expand?.op === 'Expand' && expand.domain === '' ? expand.inputs[0] : data
    const tensor = stored && context.weight(stored)?.tensor
    const number = tensor && uniform(tensor)
    if (!indices || !number) return undefined
    const shape = context.op('Shape', [indices])
    return [context.op('Expand', [context.constant(number, 'number'), shape])]
  },
}

/** The number of which all elements are; undefined for others. */
function uniform(tensor: Tensor): Tensor | undefined {
  const values = inlineValues(tensor)
  if (!values || values.length === 0) return undefined
  const list = Array.from(values as ArrayLike<unknown>)
  if (!list.every((value) => Object.is(value, list[0]))) return undefined
  return inlineTensor(tensor.dtype, [], hostArray(tensor.dtype, bytesOfFirst(tensor)))
}

function bytesOfFirst({ source, shape }: Tensor): Uint8Array {
  const bytes = source.kind === 'inline' ? source.bytes : new Uint8Array()
  const count = shape.reduce((product, size) => product * size, 1)
  return bytes.slice(0, bytes.byteLength / count)
}

/** `Gather(table, Expand(i, shape))` of one row again and again → the row, stretched. */
export const gatherStretched: NodeRule = {
  name: 'gather-stretched',
  anchors: ['Gather'],
  apply(node, context) {
    const [table, indices] = node.inputs
    const expand = indices && context.producer(indices)
    const index = expand?.op === 'Expand' && expand.domain === '' ? expand.inputs[0] : undefined
    const widths = shapeOf(table, context)?.slice(1)
    const axis = node.attributes.axis
    if (!table || !index || !widths || (axis?.type === 'int' && Number(axis.value) !== 0)) {
      return undefined
    }
    if (shapeOf(index, context)?.length !== 0) return undefined
    const numbers = widths.filter((dim) => typeof dim === 'number')
    if (numbers.length < widths.length) return undefined
    const rest = context.constant(int64Tensor(numbers), 'width')
    const shape = context.op('Concat', [expand!.inputs[1], rest], { axis: int(0) })
    return [context.op('Expand', [context.op('Gather', [table, index]), shape])]
  },
}
