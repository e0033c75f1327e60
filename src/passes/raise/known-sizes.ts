/**
 * Sizes that are dimensions of an input, read from it at once: `Unsqueeze(Gather(Shape(…), 1))` and its like
 * → `Shape(input, 1, 2)`; a number alone is that squeezed, a list is a Concat of such parts.
 */
import { int } from '../../graph/attributes.ts'
import type { Node, Value } from '../../graph/graph.ts'
import type { NodeRule, RewriteContext } from '../../graph/rewrite.ts'
import { int64Tensor } from '../../graph/tensor.ts'
import type { InferredType, KnownElements } from '../../ops/infer/infer-row.ts'

/** Operators that shape arithmetic is made of, Shape itself aside. */
const anchors = [
  'Unsqueeze',
  'Gather',
  'Slice',
  'Reshape',
  'Concat',
  'Cast',
  'Squeeze',
  'Where',
  'Mul',
  'Expand',
]

/** A small int64 tensor whose content is known → constants, and dimensions of inputs. */
export const knownSize: NodeRule = {
  name: 'known-size',
  anchors,
  apply(node, context) {
    const [output] = node.outputs
    const type = output && (context.typeOf(output) as InferredType | undefined)
    const rank = type?.shape?.length
    if (type?.dtype !== 'int64' || !type.known || rank === undefined || rank > 1) return undefined
    if (isWritten(node, context)) return undefined
    const parts = partsOf(type.known, context)
    if (!parts) return undefined
    const values = parts.map((part) => writtenPart(part, context))
    const list = values.length === 1 ? values[0]! : context.op('Concat', values, { axis: int(0) })
    if (rank === 1) return [list]
    return [context.op('Squeeze', [list, context.constant(int64Tensor([0]), 'axes')])]
  },
}

/** Consecutive numbers, or consecutive dimensions of one input. */
type Part =
  | { readonly numbers: number[] }
  | { readonly input: Value; readonly start: number; end: number }

function partsOf(known: KnownElements, context: RewriteContext): Part[] | undefined {
  const parts: Part[] = []
  for (const size of known) {
    const last = parts.at(-1)
    if (typeof size === 'number') {
      if (last && 'numbers' in last) last.numbers.push(size)
      else parts.push({ numbers: [size] })
      continue
    }
    if (last && 'input' in last && context.typeOf(last.input)?.shape?.[last.end] === size) {
      last.end++
      continue
    }
    const found = size === undefined ? undefined : dimensionOf(size, context)
    if (!found) return undefined
    parts.push(found)
  }
  return parts.length > 0 ? parts : undefined
}

function dimensionOf(size: string, context: RewriteContext): Part | undefined {
  for (const { value } of context.graph.inputs) {
    const start = context.typeOf(value)?.shape?.indexOf(size) ?? -1
    if (start >= 0) return { input: value, start, end: start + 1 }
  }
  return undefined
}

const writtenPart = (part: Part, context: RewriteContext): Value =>
  'numbers' in part
    ? context.constant(int64Tensor(part.numbers), 'size')
    : context.op('Shape', [part.input], { start: int(part.start), end: int(part.end) })

/** A constant, or `Shape` of an input. */
function isPart(value: Value | undefined, context: RewriteContext): boolean {
  if (!value || context.weight(value)) return value !== undefined
  const node = context.producer(value)
  return node?.op === 'Shape' && context.graph.inputs.some((port) => port.value === node.inputs[0])
}

/** The form that would be written. */
function isWritten(node: Node, context: RewriteContext): boolean {
  if (node.op === 'Concat') return node.inputs.every((input) => isPart(input, context))
  if (node.op !== 'Squeeze') return false
  return Boolean(node.inputs[1]) && isPart(node.inputs[0], context)
}
