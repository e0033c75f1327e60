/**
 * Templates of what exporters write about shapes: values stretched before they meet, one row looked up again and
 * again, marks viewed by another input's batch, branches that are known, and projections for several things at
 * once, split in every spelling; with some that only look alike.
 */
import { graphAttribute, int, ints } from '../src/graph/attributes.ts'
import { GraphBuilder } from '../src/graph/builder.ts'
import type { Attribute, Graph, Value } from '../src/graph/graph.ts'
import { inlineTensor, int64Tensor } from '../src/graph/tensor.ts'
import type { Draft, Size } from './canary-draft.ts'

type Template = (d: Draft) => void
const op = (
  d: Draft,
  name: string,
  inputs: readonly (Value | undefined)[],
  a?: Readonly<Record<string, Attribute>>,
) => d.b.op(name, inputs, a)

/** An operand stretched to the shape of what it meets, or of something else. */
const stretches: Template = (d) => {
  d.sizes.tokens = d.int(2, 4)
  const x = d.input(['batch', 'tokens', 4])
  const like = d.mostly(x, d.input(['batch', 'tokens', 4]), d.input([2, 'batch', 'tokens', 4]))
  const shape = op(d, 'Shape', [like])
  const short = d.pick<() => Value>([
    () =>
      op(d, 'Expand', [
        d.input(d.pick<Size[]>([[4], [1, 4], ['tokens', 4], ['batch', 1, 4]])),
        shape,
      ]),
    () => op(d, 'Expand', [d.scalar(0.5), shape]),
    () => op(d, 'Expand', [d.floats([1, 4]), shape]),
    () => op(d, 'ConstantOfShape', [shape], { value: { type: 'tensor', value: number(d) } }),
  ])()
  const other = d.mostly(x, d.input([4]))
  const name = d.pick(['Add', 'Sub', 'Mul', 'Div', 'Where'])
  if (name === 'Where') d.output(op(d, name, [d.flags(['batch', 'tokens', 4]), other, short]))
  else d.output(op(d, name, d.chance(0.5) ? [other, short] : [short, other]))
}

const number = (d: Draft) => inlineTensor('float32', [1], Float32Array.of(d.pick([0, 1, 3])))

/** One token type for all, from a stored list that is cut or stretched to the batch. */
const uniform: Template = (d) => {
  d.sizes.tokens = d.int(2, 4)
  const x = d.input(['batch', 'tokens', 3])
  const first = d.int(0, 1)
  const list = new Array<number>(6).fill(first)
  if (d.mostly(0, 1)) list[2] = 1 - first
  const stored = d.b.constant(int64Tensor(list, [1, 6]))
  const batch = op(d, 'Shape', [x], { start: int(0), end: int(1) })
  const sizes = op(d, 'Concat', [batch, d.b.int64s([6])], { axis: int(0) })
  const places = d.ids(['batch', 'tokens'], 6)
  const types = op(d, 'GatherElements', [op(d, 'Expand', [stored, sizes]), places], {
    axis: int(1),
  })
  const table = d.chance(0.7) ? d.floats([2, 3]) : d.input([2, 3])
  const rows = op(d, 'Gather', [table, types], d.chance(0.3) ? { axis: int(d.mostly(0, 1)) } : {})
  d.output(op(d, 'Add', [x, rows]))
}

/** Marks seen as `[batch of the tokens, −1]`. */
const otherBatch: Template = (d) => {
  const x = d.input(['batch', 2])
  const marks = d.mostly(
    () => d.ids(['batch', 'tokens'], 2),
    () => d.input(['batch', 'tokens']),
    () => d.ids(['batch', 'tokens', 1], 2),
  )()
  const batch = op(d, 'Shape', [x], { start: int(0), end: int(1) })
  const shape = op(d, 'Concat', [batch, d.b.int64s([d.mostly(-1, 1)])], { axis: int(0) })
  d.output(op(d, 'Neg', [op(d, 'Reshape', [marks, shape])]))
  d.output(op(d, 'Neg', [x]))
}

/** Targets put together from dimensions, −1 chosen away, a number times a size. */
const sizes: Template = (d) => {
  const x = d.input(['batch', 'tokens', 4])
  const at = (axis: number) => {
    const dim = op(d, 'Gather', [op(d, 'Shape', [x]), d.b.constant(int64Tensor([axis], []))])
    return op(d, 'Unsqueeze', [dim, d.b.int64s([0])])
  }
  const open = op(d, 'Concat', [at(0), d.b.int64s([-1]), at(2)], { axis: int(0) })
  const hidden = op(d, 'Equal', [open, d.b.int64s([-1, -1, -1])])
  const target = op(d, 'Where', [hidden, d.b.int64s([1, 1, 1]), open])
  d.output(op(d, 'Expand', [d.input([1, 1, 4]), target]))
  const twice = op(d, 'Mul', [at(1), d.b.int64s([d.pick([1, 2])])])
  const halves = op(d, 'Concat', [at(0), twice, d.b.int64s([-1])], { axis: int(0) })
  d.output(op(d, 'Reshape', [op(d, 'Neg', [x]), halves]))
}

/** Parts, pads, cuts and casts that change nothing, or nearly nothing. */
const leftovers: Template = (d) => {
  let x = d.input(['batch', 3, 4])
  for (let i = d.int(2, 4); i > 0; i--) {
    const bound = (value: number) => d.b.int64s([value])
    x = d.pick([
      () => op(d, 'Concat', d.mostly([x], [x, x]), { axis: int(0) }),
      () => op(d, 'Pad', [x, d.b.int64s([0, 0, 0, 0, d.mostly(0, 1), 0])]),
      () => op(d, 'Slice', [x, bound(d.mostly(0, 1)), bound(d.pick([3, 9])), bound(1)]),
      () =>
        op(
          d,
          'Slice',
          d.mostly(
            [x, bound(0), bound(4), bound(2), bound(1)],
            [x, bound(-1), bound(-9), bound(2), bound(-1)],
          ),
        ),
      () => op(d, 'Relu', [x]),
    ])()
  }
  d.output(x)
  const seen = d.mostly(d.flags(['batch', 3]), d.ids(['batch', 3], 3))
  const middle = op(d, 'Cast', [seen], { to: int(d.pick([6, 7, 1])) })
  d.output(op(d, 'Neg', [op(d, 'Cast', [middle], { to: int(d.pick([1, 7])) })]))
}

/** `If` on what is known, or on a flag. */
const branches: Template = (d) => {
  const x = d.input(['batch', 3])
  const condition = d.b.constant(inlineTensor('bool', [], Uint8Array.of(d.int(0, 1))))
  const body = (write: (b: GraphBuilder) => Value): Attribute => graphAttribute(branch(write))
  const chosen = op(d, 'If', [d.mostly(condition, d.flags([]))], {
    then_branch: body((b) => b.op('Neg', [b.op('Mul', [x, b.constant(number(d))])])),
    else_branch: body((b) => b.op('Abs', [d.chance(0.5) ? x : b.op('Exp', [x])])),
  })
  d.output(op(d, 'Neg', [chosen]))
}

function branch(write: (b: GraphBuilder) => Value): Graph {
  const b = new GraphBuilder('branch')
  b.output('result', write(b))
  return b.build()
}

/** Queries, keys and values of one projection, or a gate and what it gates. */
const projections: Template = (d) => {
  const [heads, size, count] = [d.int(1, 3), d.int(2, 3), d.mostly(3, 2)]
  const width = heads * size
  const x = d.input(['batch', 'tokens', count * width])
  const parts = Array.from({ length: count }, (_, i) => i)
  d.pick([
    () => {
      const sizes = parts.map((i) => (i === 0 ? d.mostly(width, width + 1) : width))
      sizes[count - 1] = count * width - sizes.slice(0, -1).reduce((sum, one) => sum + one, 0)
      const split = d.b.ops('Split', [x, d.b.int64s(sizes)], count, { axis: int(d.pick([2, -1])) })
      for (const part of split) d.output(op(d, 'Neg', [part]))
    },
    () => {
      const cut = d.mostly(0, 1)
      for (const i of parts.slice(cut)) {
        const at = i * width + d.mostly(0, 1)
        const end = i === count - 1 ? d.pick([count * width, Number.MAX_SAFE_INTEGER]) : at + width
        const bounds = [at, end, d.pick([2, -1])].map((value) => d.b.int64s([value]))
        d.output(op(d, 'Neg', [op(d, 'Slice', [x, ...bounds])]))
      }
    },
    () => stacked(d, x, [count, heads, size]),
    () => stacked(d, x, [count, heads, size]),
  ])()
}

/** `[B, S, 3, H, d]`, turned at times, and one index after the other of its axis of three. */
function stacked(
  d: Draft,
  x: Value,
  [count, heads, size]: readonly [number, number, number],
): void {
  const order = d.mostly([count, heads, size], [heads, count, size])
  const stack = op(d, 'Reshape', [x, d.b.int64s([0, 0, ...order])])
  const turns = d.chance(0.5)
  const perm = d.mostly([2, 0, 3, 1, 4], [3, 0, 2, 1, 4])
  const whole = turns ? op(d, 'Transpose', [stack], { perm: ints(perm) }) : stack
  const axis = turns ? 0 : d.mostly(2, 3)
  const most = turns ? [0, 0, order[0]!, order[1]!][perm[0]!]! : order[axis - 2]!
  const places = Array.from({ length: Math.min(most, count) }, (_, i) => i)
  const split = d.chance(0.3)
    ? d.b.ops('Split', [whole, d.b.int64s(new Array(most).fill(1))], most, { axis: int(axis) })
    : undefined
  const gathers = d.chance(0.5)
  for (const i of places) {
    const bounds = () => [i, i + 1, axis].map((value) => d.b.int64s([value]))
    const cut = () => split?.[i] ?? op(d, 'Slice', [whole, ...bounds()])
    const part =
      gathers && !split
        ? op(d, 'Gather', [whole, d.b.constant(int64Tensor([i], []))], { axis: int(axis) })
        : op(d, 'Squeeze', [cut(), d.b.int64s([axis])])
    d.output(op(d, 'Neg', [part]))
  }
}

/** Every template by name, and how many of a round's graphs are of it. */
export const shapeTemplates: Readonly<Record<string, readonly [Template, number]>> = {
  stretches: [stretches, 8],
  uniform: [uniform, 5],
  otherBatch: [otherBatch, 28],
  branches: [branches, 4],
  sizes: [sizes, 6],
  leftovers: [leftovers, 16],
  projections: [projections, 18],
}
